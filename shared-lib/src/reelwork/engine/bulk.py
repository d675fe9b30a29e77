"""The same thing done to many jobs: each by its own compare-and-set, many of them in one write."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from reelwork.broker.base import Notice
from reelwork.domain.account import Account
from reelwork.domain.errors import PaymentRequired, QuotaExceeded
from reelwork.domain.ids import JobId, new_request_id
from reelwork.domain.job import TERMINAL, WAITING, Status
from reelwork.domain.lane import lane_for_jobs
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser
from reelwork.engine.reserving import Ask, Purse
from reelwork.engine.submit import LaneOpener
from reelwork.store.job_filter import JobFilter
from reelwork.store.selection import Candidate

log = structlog.get_logger(__name__)

# Few enough that a write ends in a fraction of a second.
AT_ONCE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """On whose behalf, and with what. `mark` names the request, which retries no job twice; None: one of its own.
    `purse`: from which jobs that run again are paid; None: they cost nothing."""

    engine: Engine
    opener: LaneOpener
    eraser: Eraser
    account: Account
    mark: str | None = None
    purse: Purse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`takes`: the states that it can change. `needs`: input and files, or anything that can be erased. `do` answers
    which jobs it changed, and leaves what has moved on."""

    takes: frozenset[Status]
    do: Callable[[Bench, Sequence[Candidate]], Awaitable[set[JobId]]]
    needs: Literal["data", "anything"] | None = None

    def can_change(self, job: Candidate) -> bool:
        has = {"data": job.has_data, "anything": job.has_anything}
        return job.status in self.takes and (self.needs is None or has[self.needs])

    def among(self, where: JobFilter) -> JobFilter | None:
        """The same jobs, as far as this can change them; None when it can change none of them."""
        statuses = self.takes & set(where.statuses) if where.statuses else self.takes
        if not statuses:
            return None
        return replace(
            where,
            statuses=sorted(statuses),
            with_data=self.needs == "data",
            with_anything=self.needs == "anything",
        )


async def _cancel(bench: Bench, jobs: Sequence[Candidate]) -> set[JobId]:
    return await bench.engine.stores.bulk.cancel(bench.account.id, [job.id for job in jobs], by="owner")


async def _retry(bench: Bench, jobs: Sequence[Candidate]) -> set[JobId]:
    plans = bench.engine.rules.plans
    lanes = {pool: lane_for_jobs(bench.account, pool, plans) for pool in {job.pool for job in jobs}}
    mark = bench.mark or new_request_id()
    if bench.purse is None:
        queued = await bench.engine.stores.bulk.requeue(bench.account.id, jobs, mark=mark)
    else:
        queued = await _paid(bench.engine, bench.account, bench.purse, jobs, mark=mark)
    for pool, count in Counter(job.pool for job in jobs if job.id in queued).items():
        bench.opener.announce(lanes[pool], count)
    return queued


async def _paid(engine: Engine, account: Account, purse: Purse, jobs: Sequence[Candidate], *, mark: str) -> set[JobId]:
    """Queue them again with new bills, once their last ones are settled."""
    stores = engine.stores
    await purse.settle()
    last = await stores.bulk.requeueable(account.id, jobs, mark=mark)
    asks = [Ask(job_id=job, price=bill.amount if bill else 0, last=bill) for job, bill in last.items()]
    reserved = await purse.reserve(*asks)
    bills = {job: bill for job, bill in zip(last, reserved, strict=True) if bill is not None}
    last_bills = [bill for bill in last.values() if bill is not None]
    queued = await stores.bulk.requeue(account.id, jobs, mark=mark, bills=bills, instead_of=last_bills)
    now = await stores.books.bills(account.id, list(bills))
    await purse.give_back(*(bill for job, bill in bills.items() if job not in now or now[job].hold != bill.hold))
    return queued


async def _erase(bench: Bench, jobs: Sequence[Candidate]) -> set[JobId]:
    return await bench.eraser.erase_many(bench.account.id, [job.id for job in jobs])


# Whatever can be done to many jobs: by its name, what it takes and what it does.
ACTIONS = {
    "cancel": Action(takes=WAITING | {Status.PROCESSING}, do=_cancel),
    "retry": Action(takes=frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED}), do=_retry, needs="data"),
    "erase": Action(takes=TERMINAL, do=_erase, needs="anything"),
}


async def apply(bench: Bench, action: Action, jobs: Sequence[Candidate]) -> list[JobId]:
    """Do it to these jobs, the oldest first; those that it changed, in the given order. What another did first is left
    as it is.

    Where credit or quota ends after some were changed, the others are left. Raises StoreUnavailable (some jobs may be
    changed by then, and doing it again does the rest), and InsufficientTier and what the purse refuses where nothing
    was changed.
    """
    oldest_first, changed = sorted(jobs, key=lambda job: job.id), set[JobId]()
    for start in range(0, len(jobs), AT_ONCE):
        try:
            done = await action.do(bench, oldest_first[start : start + AT_ONCE])
        except (PaymentRequired, QuotaExceeded) as refusal:
            if not changed:
                raise
            log.info("bulk.stopped", account_id=bench.account.id, changed=len(changed), reason=refusal.code)
            break
        changed |= done
        for job in done:
            bench.engine.broker.announce(Notice(kind="changed", account_id=bench.account.id, job_id=job))
    return [job.id for job in jobs if job.id in changed]
