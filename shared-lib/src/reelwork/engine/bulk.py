"""The same thing done to many jobs: each by its own compare-and-set, many of them in one write."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from reelwork.broker.base import Notice
from reelwork.domain.account import Account
from reelwork.domain.ids import JobId, new_request_id
from reelwork.domain.job import WAITING, Status
from reelwork.domain.lane import lane_for_jobs
from reelwork.engine.engine import Engine
from reelwork.engine.submit import LaneOpener
from reelwork.store.jobs import JobFilter
from reelwork.store.selection import Candidate

# Few enough that a write ends in a fraction of a second.
AT_ONCE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """On whose behalf, and with what."""

    engine: Engine
    opener: LaneOpener
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`takes`: the states that it can change. `do` answers which jobs it changed, and leaves what has moved on."""

    takes: frozenset[Status]
    do: Callable[[Bench, Sequence[Candidate]], Awaitable[set[JobId]]]
    needs_data: bool = False

    def can_change(self, job: Candidate) -> bool:
        return job.status in self.takes and (job.has_data or not self.needs_data)

    def among(self, where: JobFilter) -> JobFilter | None:
        """The same jobs, as far as this can change them; None when it can change none of them."""
        statuses = self.takes & set(where.statuses) if where.statuses else self.takes
        return replace(where, statuses=sorted(statuses), with_data=self.needs_data) if statuses else None


async def _cancel(bench: Bench, jobs: Sequence[Candidate]) -> set[JobId]:
    return await bench.engine.stores.bulk.cancel(bench.account.id, [job.id for job in jobs], by="owner")


async def _retry(bench: Bench, jobs: Sequence[Candidate]) -> set[JobId]:
    lanes = {pool: lane_for_jobs(bench.account, pool) for pool in {job.pool for job in jobs}}
    queued = await bench.engine.stores.bulk.requeue(bench.account.id, jobs, mark=new_request_id())
    for pool, count in Counter(job.pool for job in jobs if job.id in queued).items():
        bench.opener.announce(lanes[pool], count)
    return queued


# Whatever can be done to many jobs: by its name, what it takes and what it does.
ACTIONS = {
    "cancel": Action(takes=WAITING | {Status.PROCESSING}, do=_cancel),
    "retry": Action(takes=frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED}), do=_retry, needs_data=True),
}


async def apply(bench: Bench, action: Action, jobs: Sequence[Candidate]) -> list[JobId]:
    """Do it to these jobs, the oldest first; those that it changed, in the given order. What another did first is left
    as it is.

    Raises StoreUnavailable, InsufficientTier: some jobs may be changed by then, and doing it again does the rest.
    """
    oldest_first, changed = sorted(jobs, key=lambda job: job.id), set[JobId]()
    for start in range(0, len(jobs), AT_ONCE):
        done = await action.do(bench, oldest_first[start : start + AT_ONCE])
        changed |= done
        for job in done:
            bench.engine.broker.announce(Notice(kind="changed", account_id=bench.account.id, job_id=job))
    return [job.id for job in jobs if job.id in changed]
