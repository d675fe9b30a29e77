"""Ending an attempt, by compare-and-set on its fence; then the slot is freed and the lane's bill settled."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto

import structlog

from reelwork.domain.job import Job, JobError, Output
from reelwork.domain.retry import AttemptFailure, Fail, RetryAfter, decide
from reelwork.engine.engine import Engine, claimed

log = structlog.get_logger(__name__)


class Ending(Enum):
    """How an attempt really ended. `LOST`: it was not ours any more; nothing was changed."""

    COMPLETED = auto()
    FAILED = auto()
    RETRYING = auto()
    CANCELLED = auto()
    LOST = auto()


async def complete(engine: Engine, job: Job, outputs: Sequence[Output], *, used: timedelta) -> Ending:
    """The attempt succeeded. If a cancel was asked for first, the job ends cancelled, without outputs."""
    if await engine.stores.attempts.complete(claimed(job), outputs):
        return await _ended(engine, job, Ending.COMPLETED, used)
    return await stop(engine, job, used=used)


async def fail(engine: Engine, job: Job, failure: AttemptFailure, *, used: timedelta, lapsed: bool = False) -> Ending:
    """The attempt failed: try again later or give up, as the retry policy decides.

    `lapsed`: its worker is gone; only act if the lease has really run out.
    """
    error = JobError(code=failure.code, message=failure.message, retryable=failure.retryable, attempt=job.attempt)
    attempts = engine.stores.attempts
    match decide(failure, attempt=job.attempt, max_attempts=job.max_attempts):
        case RetryAfter(seconds=seconds):
            delay = timedelta(seconds=seconds)
            if await attempts.retry(claimed(job), error, delay=delay, lapsed=lapsed):
                return await _ended(engine, job, Ending.RETRYING, used, error)
        case Fail():
            if await attempts.fail(claimed(job), error, lapsed=lapsed):
                return await _ended(engine, job, Ending.FAILED, used, error)
    return await stop(engine, job, used=used, lapsed=lapsed)


async def stop(engine: Engine, job: Job, *, used: timedelta, lapsed: bool = False) -> Ending:
    """The attempt stopped because a cancel was asked for. `LOST` if none was."""
    if await engine.stores.attempts.confirm_cancel(claimed(job), lapsed=lapsed):
        return await _ended(engine, job, Ending.CANCELLED, used)
    log.warning("attempt.lost", job_id=job.id, attempt=job.attempt)
    return Ending.LOST


async def hand_back(engine: Engine, job: Job) -> None:
    """Give a claimed job back unrun: it keeps its place, and the attempt does not count."""
    if await engine.stores.attempts.put_back(claimed(job)):
        await release(engine, job, used=None)
        engine.broker.publish(job.pool)
        engine.tell(job)


async def release(engine: Engine, job: Job, *, used: timedelta | None) -> None:
    """Free the job's slot; wake a worker if the lane was full while others waited."""
    if await engine.stores.lanes.release(job.lane, claimed(job).slot, used=used):
        engine.broker.publish(job.pool)


async def _ended(engine: Engine, job: Job, ending: Ending, used: timedelta, error: JobError | None = None) -> Ending:
    log.info(
        f"job.{ending.name.lower()}",
        job_id=job.id,
        attempt=job.attempt,
        run_seconds=round(used.total_seconds(), 3),
        error=error.code if error else None,
    )
    await release(engine, job, used=used)
    engine.tell(job)
    return ending
