"""Workers on the wire, for those who run the installation."""

from typing import Literal

from reelwork.contract.base import Timestamp, Wire

WorkerStateName = Literal["ready", "draining", "gone", "lost"]


class WorkerModel(Wire):
    name: str
    version: str


class WorkerView(Wire):
    """A worker. `drained`: it takes no jobs and has none, so that stopping it now disturbs nobody."""

    id: str
    object: Literal["worker"] = "worker"
    name: str
    state: WorkerStateName
    drained: bool
    pools: list[str]
    models: list[WorkerModel]
    concurrency: int
    host: str
    pid: int
    started_at: Timestamp
    seen_at: Timestamp
    jobs_running: int
    running: list[str]
    jobs_done: int


class WorkerPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[WorkerView]
    next_cursor: str | None
    has_more: bool
