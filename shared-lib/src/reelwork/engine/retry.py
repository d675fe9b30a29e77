"""Queueing a job again that ended without success: the same id, its history goes on, its attempts go on counting."""

from datetime import timedelta

import structlog

from reelwork.domain.account import Account
from reelwork.domain.errors import InvalidState
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job, Status
from reelwork.domain.lane import lane_for_jobs
from reelwork.engine.cancel import job_not_found
from reelwork.engine.engine import Engine
from reelwork.engine.submit import LaneOpener
from reelwork.store.jobs import LONGEST_HISTORY

log = structlog.get_logger(__name__)


async def retry(
    engine: Engine,
    opener: LaneOpener,
    account: Account,
    job_id: JobId,
    *,
    mark: str | None = None,
    deadline: timedelta | None = None,
) -> Job:
    """The job, queued again behind the account's other jobs, with as many attempts as it had the first time.

    Its old deadline is dropped; `deadline` gives it a new one, from now. `mark` names the request: asked again with
    the same one, it answers the job as it is instead of refusing. Many at once are announced together.

    Raises JobNotFound, InvalidState (not failed, cancelled or expired; or its data were removed), InsufficientTier,
    StoreUnavailable.
    """
    jobs = engine.stores.jobs
    found = await jobs.get(account.id, job_id)
    if found is None:
        raise job_not_found(job_id)
    terms = lane_for_jobs(account, found.pool, engine.rules.plans)
    again = await jobs.requeue(account.id, job_id, mark=mark, deadline=deadline)
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


def _refusal(job: Job) -> InvalidState:
    if job.data_removed or job.inputs_removed:
        return InvalidState("The job's data were removed.", hint="Submit a new job with its input.")
    if len(job.events) > LONGEST_HISTORY:
        return InvalidState("The job was queued again too often.", hint="Submit a new job with its input.")
    return InvalidState(
        f"The job is {job.status}.", hint="Only jobs that are failed, cancelled or expired can be queued again."
    )
