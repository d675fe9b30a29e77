"""A batch: jobs that were accepted together. What became of them is told by the jobs, never by counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reelwork.domain.ids import AccountId, BatchId, JobId
from reelwork.domain.job import TERMINAL, JobWebhook, Status

MOST_ITEMS = 1000


class BatchState(StrEnum):
    """`STORING`: its jobs are being written and none may run. `READY`: accepted, for good. `WITHDRAWN`: it was never
    accepted, and its jobs go away. Only a batch that is ready is ever shown."""

    STORING = "storing"
    READY = "ready"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`job_ids` is as long as what was submitted: None stands for an item that was rejected. `mark` names the request
    that it came by: of all batches of one mark one is accepted at most."""

    id: BatchId
    account_id: AccountId
    job_ids: tuple[JobId | None, ...]
    created_at: datetime
    state: BatchState = BatchState.STORING
    name: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    request_id: str | None = None
    mark: str | None = None
    webhook: JobWebhook | None = None

    @property
    def size(self) -> int:
        """How many jobs it has."""
        return len(self.job_ids) - self.rejected

    @property
    def rejected(self) -> int:
        return self.job_ids.count(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How a batch's jobs stand at one moment. `last_end`: when the last of those ended that have ended."""

    counts: Mapping[Status, int] = field(default_factory=dict)
    last_end: datetime | None = None

    def of(self, *statuses: Status) -> int:
        return sum(self.counts.get(status, 0) for status in statuses)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        return self.of(*TERMINAL)
