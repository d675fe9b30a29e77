"""Queueing a job again that ended without success: the same id, its history goes on, its attempts go on counting."""

import structlog

from reelwork.domain.account import Account
from reelwork.domain.errors import InsufficientTier, InvalidState
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job, Status
from reelwork.domain.lane import terms_for
from reelwork.engine.cancel import job_not_found
from reelwork.engine.engine import Engine
from reelwork.engine.submit import LaneOpener

log = structlog.get_logger(__name__)


async def retry(
    engine: Engine,
    opener: LaneOpener,
    account: Account,
    job_id: JobId,
    *,
    seen: tuple[Status, int] | None = None,
) -> Job:
    """The job, queued again. Many at once are announced together.

    `seen`: only if it still has this status and attempt, so that of several who saw the same one queues it.

    Raises JobNotFound, InvalidState (not failed, cancelled or expired, or not as it was seen; its data were removed),
    InsufficientTier, StoreUnavailable.
    """
    found = await engine.stores.jobs.get(account.id, job_id)
    if found is None:
        raise job_not_found(job_id)
    terms = terms_for(account.id, account.tier, found.pool)
    if terms.limit == 0:
        raise InsufficientTier(f"The {account.tier} plan runs no jobs.", hint="Ask for a higher plan.")
    again = await engine.stores.jobs.requeue(account.id, job_id, seen=seen)
    if again is None:
        raise InvalidState(
            f"The job is {found.status}.", hint="Only jobs that are failed, cancelled or expired can be queued again."
        )
    opener.announce(terms)
    log.info("job.retried", job_id=job_id, attempt=again.attempt, max_attempts=again.max_attempts)
    engine.tell(again)
    return again
