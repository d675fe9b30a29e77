"""Usage: what an account asked for and what came of it, counted by days of UTC.

What jobs did is read off their own history and never counted beside it: each event of a job's history that counts gives
one usage event, whose name is made of the job's id and the number of the event, so that it is the same each time it is
made. Requests have no document; they are counted by the gateway that answers them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Attempt, Bill, BillState, Event, Status


class Metric(StrEnum):
    """What is counted. `AMOUNT_CHARGED` is in ten-thousandths of a US dollar.

    A job counts as submitted when it is queued, and once more each time its owner queues it again; each such round has
    one ending.
    """

    REQUESTS = "requests"
    JOBS_SUBMITTED = "jobs_submitted"
    JOBS_COMPLETED = "jobs_completed"
    JOBS_FAILED = "jobs_failed"
    JOBS_CANCELLED = "jobs_cancelled"
    JOBS_EXPIRED = "jobs_expired"
    RUN_MILLISECONDS = "run_milliseconds"
    OUTPUT_BYTES = "output_bytes"
    AMOUNT_CHARGED = "amount_charged"


Counts: TypeAlias = Mapping[Metric, int]

_ENDINGS = {
    "job.completed": Metric.JOBS_COMPLETED,
    "job.failed": Metric.JOBS_FAILED,
    "job.cancelled": Metric.JOBS_CANCELLED,
    "job.expired": Metric.JOBS_EXPIRED,
}
_RETRIED = "job.retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEvent:
    """Something to be counted once. `id` is the same each time it is told; `at` decides the day.

    `job_id`, `upto`: of what a job did. When the event and those told together with it are safe, the job's history is
    counted up to there.
    """

    id: str
    account_id: AccountId
    at: datetime
    counts: Counts
    job_id: JobId | None = None
    upto: int = 0

    @property
    def day(self) -> str:
        """`2026-11-21`, in UTC."""
        return self.at.astimezone(UTC).date().isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """What is stored of an account's day. `flushed`: the number of the last flush that is in it, see `counters`."""

    day: date
    counts: Counts
    flushed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What usage is read off: the part of a job that tells what happened. The first `counted` events are counted.

    `output_bytes`: what its runs made; a job that was answered by an earlier one's outputs made nothing.
    """

    id: JobId
    account_id: AccountId
    events: tuple[Event, ...]
    attempts: tuple[Attempt, ...] = ()
    output_bytes: int = 0
    bill: Bill | None = None
    counted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """The usage events that a history gives, and up to where it is counted when they are."""

    upto: int
    events: Sequence[UsageEvent] = field(default=())


def harvest(history: History) -> Harvest:
    """What is not counted yet. A completed job waits until its bill is settled: only then it is known what it cost.

    A job that was never queued (of a batch that was withdrawn, or cancelled first) counts for nothing.
    """
    found: list[tuple[int, Event, Counts]] = []
    upto = history.counted
    for event in history.events[history.counted :]:
        if event.type == "job.completed" and _is_unsettled(history.bill):
            break
        upto = event.seq
        if counts := _counts(history, event):
            found.append((event.seq, event, counts))
    events = [
        UsageEvent(
            id=f"{history.id}.{seq}",
            account_id=history.account_id,
            at=event.at,
            counts=counts,
            job_id=history.id,
            upto=upto,
        )
        for seq, event, counts in found
    ]
    return Harvest(upto=upto, events=events)


def _counts(history: History, event: Event) -> Counts:
    begun = next((one.seq for one in history.events if one.status in {Status.QUEUED, Status.COMPLETED}), None)
    if begun is None or event.seq < begun:
        return {}
    submitted = event.seq == begun or event.type == _RETRIED
    counts: dict[Metric, int] = {Metric.JOBS_SUBMITTED: 1} if submitted else {}
    if event.type in _ENDINGS:
        counts |= {_ENDINGS[event.type]: 1} | _of_round(history, event)
    return counts


def _of_round(history: History, ending: Event) -> dict[Metric, int]:
    """What the round that ended so has used."""
    before = max((one.attempt for one in history.events if one.type == _RETRIED and one.seq < ending.seq), default=0)
    spent = [one for one in history.attempts if before < one.n <= ending.attempt and one.ended_at is not None]
    ran = sum(((one.ended_at or one.started_at) - one.started_at for one in spent), timedelta())
    counts = {Metric.RUN_MILLISECONDS: max(0, round(ran / timedelta(milliseconds=1)))}
    if ending.type == "job.completed":
        charged = history.bill.charged if history.bill is not None else None
        counts |= {Metric.OUTPUT_BYTES: history.output_bytes, Metric.AMOUNT_CHARGED: charged or 0}
    return {metric: count for metric, count in counts.items() if count}


def _is_unsettled(bill: Bill | None) -> bool:
    return bill is not None and bill.state is not BillState.SETTLED
