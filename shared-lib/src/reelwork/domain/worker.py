"""Workers: who takes jobs, and who has been told to take no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reelwork.domain.ids import JobId, WorkerId


class WorkerState(StrEnum):
    """`ready`: takes jobs. `draining`: finishes what it runs and takes no more, by its operator's word or because it
    is being stopped. `gone`: ended in order. `lost`: silent for too long, without having said good-bye."""

    READY = "ready"
    DRAINING = "draining"
    GONE = "gone"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOffered:
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCard:
    """What a worker is, from its start to its end. `pid` is that of its main process."""

    id: WorkerId
    name: str
    pool: str
    models: Sequence[ModelOffered]
    concurrency: int
    host: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker as of its last heartbeats.

    `drained`: every process of it knows that it is to take no jobs, and none of them has one.
    """

    card: WorkerCard
    state: WorkerState
    started_at: datetime
    seen_at: datetime
    drained: bool
    jobs: Sequence[JobId]
    jobs_done: int

    @property
    def id(self) -> WorkerId:
        return self.card.id
