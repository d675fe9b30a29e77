"""The same thing done to many jobs: each by its own compare-and-set, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from reelwork.domain.account import Account
from reelwork.domain.errors import InvalidState, JobNotFound
from reelwork.domain.ids import JobId
from reelwork.domain.job import Status
from reelwork.engine.cancel import cancel
from reelwork.engine.engine import Engine
from reelwork.engine.retry import retry
from reelwork.engine.submit import LaneOpener
from reelwork.store.jobs import JobFilter
from reelwork.store.selection import Standing

# Enough to keep MongoDB busy, few enough to leave it time for everybody else.
AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """On whose behalf, and with what."""

    engine: Engine
    opener: LaneOpener
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`takes`: the states that it can change. `do` says whether it did; InvalidState: the job had moved on."""

    takes: frozenset[Status]
    do: Callable[[Bench, Standing], Awaitable[bool]]
    needs_data: bool = False

    def can_change(self, job: Standing) -> bool:
        return job.status in self.takes and (job.has_data or not self.needs_data)

    def among(self, where: JobFilter) -> JobFilter | None:
        """The same jobs, as far as this can change them; None when it can change none of them."""
        statuses = self.takes & set(where.statuses) if where.statuses else self.takes
        return replace(where, statuses=sorted(statuses), with_data=self.needs_data) if statuses else None


async def _cancel(bench: Bench, job: Standing) -> bool:
    return (await cancel(bench.engine, bench.account.id, job.id, by="owner")).cancel is not None


async def _retry(bench: Bench, job: Standing) -> bool:
    await retry(bench.engine, bench.opener, bench.account, job.id, seen=(job.status, job.attempt))
    return True


# Whatever can be done to many jobs: by its name, what it takes and what it does.
ACTIONS = {
    "cancel": Action(takes=frozenset({Status.PENDING, Status.QUEUED, Status.PROCESSING}), do=_cancel),
    "retry": Action(takes=frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED}), do=_retry, needs_data=True),
}


async def apply(bench: Bench, action: Action, jobs: Sequence[Standing]) -> list[JobId]:
    """Do it to these jobs; those that it changed, in the given order. What another did first is left as it is.

    Raises StoreUnavailable, InsufficientTier: some jobs may be changed by then, and doing it again does the rest.
    """
    changed: list[JobId] = []
    for start in range(0, len(jobs), AT_ONCE):
        some = jobs[start : start + AT_ONCE]
        done = await asyncio.gather(*(_done(bench, action, job) for job in some), return_exceptions=True)
        for job, outcome in zip(some, done, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome:
                changed.append(job.id)
    return changed


async def _done(bench: Bench, action: Action, job: Standing) -> bool:
    try:
        return await action.do(bench, job)
    except (InvalidState, JobNotFound):
        return False
