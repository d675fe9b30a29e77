"""Ending an attempt, by compare-and-set on its fence; then the slot is freed and the lane's bill settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import structlog

from reelwork.domain.job import Job, JobError, Output
from reelwork.domain.lane import tickets_for
from reelwork.domain.retry import DEADLINE_EXCEEDED, AttemptFailure, Fail, RetryAfter, judge
from reelwork.engine.engine import Engine, claimed
from reelwork.metrics import ATTEMPTS_ENDED, RUN_SECONDS

log = structlog.get_logger(__name__)


class Ending(Enum):
    """How an attempt really ended, and what the log calls that. `LOST`: not ours any more, nothing was changed."""

    COMPLETED = "job.completed"
    FAILED = "job.failed"
    RETRYING = "job.retrying"
    CANCELLED = "job.cancelled"
    LOST = "job.lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """An attempt that succeeded, not yet written down."""

    job: Job
    outputs: Sequence[Output]
    used: timedelta


async def complete(engine: Engine, job: Job, outputs: Sequence[Output], *, used: timedelta) -> Ending:
    """The attempt succeeded. If a cancel was asked for first, the job ends cancelled, without outputs."""
    if await engine.stores.attempts.complete(claimed(job), outputs):
        _note(engine, job, used)
        return await _ended(engine, job, Ending.COMPLETED, used)
    return await stop(engine, job, used=used)


async def complete_all(engine: Engine, done: Sequence[Finished]) -> list[Ending]:
    """Many attempts of one lane that succeeded, in as few round trips as one."""
    won = await engine.stores.attempts.complete_many([(claimed(each.job), each.outputs) for each in done])
    completed = [each for each in done if each.job.id in won]
    if completed:
        await _completed(engine, completed)
    return [Ending.COMPLETED if each.job.id in won else await stop(engine, each.job, used=each.used) for each in done]


async def _completed(engine: Engine, done: Sequence[Finished]) -> None:
    first, used = done[0].job, sum((each.used for each in done), timedelta())
    if await engine.stores.lanes.release(first.lane, [claimed(each.job).slot for each in done], used=used):
        engine.broker.publish(first.pool, tickets_for(len(done), estimate_seconds=used.total_seconds() / len(done)))
    for each in done:
        _note(engine, each.job, each.used)
        _note_ending(each.job, Ending.COMPLETED, each.used)
        engine.tell(each.job)


def _note(engine: Engine, job: Job, used: timedelta) -> None:
    engine.runtimes.note(job, used)
    engine.outcomes.completed(job, used)


async def fail(engine: Engine, job: Job, failure: AttemptFailure, *, used: timedelta, lapsed: bool = False) -> Ending:
    """The attempt failed: try again later or give up, as the retry policy decides. If a cancel was asked for first,
    the job ends cancelled: whoever cancelled does not want to hear of the failure.

    A retry that would come after the job's deadline is none. `lapsed`: its worker is gone; only act if the lease has
    really run out.
    """
    attempts, error = engine.stores.attempts, _error(failure, job)
    match judge(job, failure):
        case RetryAfter(seconds=seconds):
            delay = timedelta(seconds=seconds)
            if await attempts.retry(claimed(job), error, delay=delay, lapsed=lapsed):
                return await _ended(engine, job, Ending.RETRYING, used, error)
            error = _error(DEADLINE_EXCEEDED, job) if lapsed else error  # nobody else is there to say what went wrong
            if await attempts.fail(claimed(job), error, lapsed=lapsed, too_late_for=delay):
                return await _ended(engine, job, Ending.FAILED, used, error)
        case Fail():
            if await attempts.fail(claimed(job), error, lapsed=lapsed):
                return await _ended(engine, job, Ending.FAILED, used, error)
    return await stop(engine, job, used=used, lapsed=lapsed)


def _error(failure: AttemptFailure, job: Job) -> JobError:
    return JobError(code=failure.code, message=failure.message, retryable=failure.retryable, attempt=job.attempt)


async def stop(engine: Engine, job: Job, *, used: timedelta | None, lapsed: bool = False) -> Ending:
    """The attempt stopped because a cancel was asked for. `used`: None if it never ran.

    If none was asked for: how this attempt ended before, if it is written down already, else `LOST`. So every ending
    may be written again by a worker that did not hear the answer.
    """
    if await engine.stores.attempts.confirm_cancel(claimed(job), lapsed=lapsed):
        return await _ended(engine, job, Ending.CANCELLED, used)
    known = await _how_it_ended(engine, job)
    if known is Ending.LOST:
        log.warning("attempt.lost", job_id=job.id, attempt=job.attempt)
    else:
        await release(engine, job, used=used)
    return known


async def _how_it_ended(engine: Engine, job: Job) -> Ending:
    match await engine.stores.attempts.outcome(claimed(job)):
        case "completed":
            return Ending.COMPLETED
        case "cancelled":
            return Ending.CANCELLED
        case "failed":
            return Ending.FAILED
        case _:
            return Ending.LOST


async def hand_back(engine: Engine, job: Job, *, why: AttemptFailure | None = None) -> None:
    """Give a claimed job back unrun: it keeps its place, and the attempt does not count. Cancelled: it ends so.

    `why`: what its owner is told until it runs.
    """
    if await engine.stores.attempts.put_back(claimed(job), why=_error(why, job) if why is not None else None):
        await release(engine, job, used=None)
        await engine.stores.lanes.reopen(job.lane)  # another claim may have found it empty meanwhile
        engine.broker.publish(job.pool)
        engine.tell(job)
    else:
        await stop(engine, job, used=None)


async def release(engine: Engine, job: Job, *, used: timedelta | None) -> None:
    """Free the job's slot; wake a worker if the lane was full while others waited."""
    if await engine.stores.lanes.release(job.lane, [claimed(job).slot], used=used):
        engine.broker.publish(job.pool)


async def _ended(
    engine: Engine, job: Job, ending: Ending, used: timedelta | None, error: JobError | None = None
) -> Ending:
    _note_ending(job, ending, used, error)
    if ending is Ending.FAILED:
        engine.outcomes.failed(job)
    await release(engine, job, used=used)
    engine.tell(job)
    return ending


def _note_ending(job: Job, ending: Ending, used: timedelta | None, error: JobError | None = None) -> None:
    ATTEMPTS_ENDED.labels(job.model, job.pool, ending.value.removeprefix("job.")).inc()
    if used is not None:
        RUN_SECONDS.labels(job.model).observe(used.total_seconds())
    log.info(
        ending.value,
        job_id=job.id,
        attempt=job.attempt,
        run_seconds=round(used.total_seconds(), 3) if used is not None else None,
        error=error.code if error else None,
    )
