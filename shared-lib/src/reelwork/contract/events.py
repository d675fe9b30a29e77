"""Events of a job on the wire."""

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.jobs import JobErrorView, StatusName


class EventView(Wire):
    """A durable event; `seq` counts from 1 within the job and is the SSE `id`."""

    seq: int
    at: Timestamp
    type: str
    status: StatusName
    attempt: int
    error: JobErrorView | None = None


class ProgressFrame(Wire):
    """A transient progress report; each one is complete in itself and carries no SSE `id`."""

    progress: float
    stage: str
    message: str
    step: int | None
    steps: int | None


class EventList(Wire):
    items: list[EventView]
