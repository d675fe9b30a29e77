"""Queueing a job again that ended without success: the same id, its history goes on, its attempts go on counting."""

from datetime import timedelta

import structlog

from reelwork.domain.account import Account
from reelwork.domain.errors import InvalidState
from reelwork.domain.ids import JobId
from reelwork.domain.job import BillState, Job, Status
from reelwork.domain.lane import lane_for_jobs
from reelwork.engine.cancel import job_not_found
from reelwork.engine.engine import Engine
from reelwork.engine.reserving import Ask, Purse
from reelwork.engine.submit import LaneOpener
from reelwork.store.jobs import LONGEST_HISTORY, Rebilled

AGAIN = frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED})

log = structlog.get_logger(__name__)


async def retry(
    engine: Engine,
    opener: LaneOpener,
    account: Account,
    job_id: JobId,
    *,
    mark: str | None = None,
    deadline: timedelta | None = None,
    purse: Purse | None = None,
) -> Job:
    """The job, queued again behind the account's other jobs, with as many attempts as it had the first time.

    Its old deadline is dropped; `deadline` gives it a new one, from now. `mark` names the request: asked again with
    the same one, it answers the job as it is instead of refusing. Many at once are announced together. It costs what it
    cost before, from the `purse`; None: nothing.

    Raises JobNotFound, InvalidState (not failed, cancelled or expired; or its data were removed), InsufficientTier,
    QuotaExceeded, SpendCapReached, InsufficientCredits, StoreUnavailable.
    """
    jobs = engine.stores.jobs
    found = await jobs.get(account.id, job_id)
    if found is None:
        raise job_not_found(job_id)
    terms = lane_for_jobs(account, found.pool, engine.rules.plans)
    if purse is None:
        again = await jobs.requeue(account.id, job_id, mark=mark, deadline=deadline)
    else:
        again = await _paid(engine, found, purse, mark=mark, deadline=deadline)
    if again is None:
        by_us = await jobs.requeued_by(account.id, job_id, mark) if mark is not None else None
        if by_us is None:
            raise _refusal(await jobs.get(account.id, job_id) or found)
        again = by_us
    if again.status is Status.QUEUED:  # always said again: a process may have died between the two
        opener.announce(terms)
    log.info("job.retried", job_id=job_id, attempt=again.attempt, max_attempts=again.max_attempts)
    engine.tell(again)
    return again


async def _paid(engine: Engine, job: Job, purse: Purse, *, mark: str | None, deadline: timedelta | None) -> Job | None:
    """Queue it again with a new bill, once its last one is settled. None when it is in no state for that."""
    jobs = engine.stores.jobs
    if job.status not in AGAIN:
        return None
    await purse.settle()
    last = (await engine.stores.books.bills(job.account_id, [job.id])).get(job.id)
    (bill,) = await purse.reserve(Ask(job_id=job.id, price=last.amount if last is not None else 0, last=last))
    rebilled = Rebilled(bill=bill, last=last)
    again = await jobs.requeue(job.account_id, job.id, mark=mark, deadline=deadline, rebilled=rebilled)
    if again is None:
        await purse.give_back(bill)
    return again


def _refusal(job: Job) -> InvalidState:
    if job.data_removed or job.inputs_removed:
        return InvalidState("The job's data were removed.", hint="Submit a new job with its input.")
    if len(job.events) > LONGEST_HISTORY:
        return InvalidState("The job was queued again too often.", hint="Submit a new job with its input.")
    if job.bill is not None and job.bill.state in {BillState.CHARGE, BillState.RELEASE}:
        return InvalidState("The job's last bill is just being settled.", hint="Try again.", retry_after_seconds=1)
    return InvalidState(
        f"The job is {job.status}.", hint="Only jobs that are failed, cancelled or expired can be queued again."
    )
