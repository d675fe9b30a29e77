"""Cancelling: exact for jobs that wait, cooperative for jobs that run."""

import structlog

from reelwork.domain.errors import JobNotFound
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Job
from reelwork.engine.engine import Engine
from reelwork.engine.log_events import STATUS_EVENTS

log = structlog.get_logger(__name__)

# A retry may move the job between our two attempts; it cannot do so for ever, since attempts are bounded.
MAX_RACES = 8


async def cancel(engine: Engine, account: AccountId, job_id: JobId, *, by: str) -> Job:
    """The job as it is afterwards; safe to repeat. A job that waited is cancelled and never runs; one that runs is
    `cancelling` until its worker stops; one that has ended is unchanged.

    Raises JobNotFound, StoreUnavailable.
    """
    jobs = engine.stores.jobs
    for _ in range(MAX_RACES):
        moved = await jobs.cancel_waiting(account, job_id, by=by) or await jobs.cancel_running(account, job_id, by=by)
        if moved is not None:
            log.info(STATUS_EVENTS[moved.status], job_id=job_id, by=by)
            engine.tell(moved)
            return moved
        found = await jobs.get(account, job_id)
        if found is None:
            raise job_not_found(job_id)
        if found.status.is_terminal or found.cancel is not None:
            return found
    raise RuntimeError(f"{job_id} changed state {MAX_RACES} times while it was being cancelled")


def job_not_found(job_id: str) -> JobNotFound:
    return JobNotFound(
        f"There is no job {job_id[:100]!r} in your account.",
        hint="Check the id; GET /v1/jobs lists your jobs.",
    )
