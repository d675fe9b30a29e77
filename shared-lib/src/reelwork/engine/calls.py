"""Jobs that providers work on: asked once, waited for by nobody, looked after in turns. See `store.calls`."""

import re
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import structlog

from reelwork.domain.ids import JobId
from reelwork.domain.job import Job, Progress, Status
from reelwork.domain.remote import MOST_LOST
from reelwork.domain.retry import DEADLINE_EXCEEDED, AttemptFailure
from reelwork.engine.engine import Engine, claimed
from reelwork.engine.finish import Ending, fail, stop
from reelwork.generator.resources import Pool

log = structlog.get_logger(__name__)

# A worker that is only slow to tell what the provider answered gets so long, before it is taken for lost with it.
RECOVER_AFTER = timedelta(seconds=5)
# More would only make workers look twice.
MOST_TICKETS = 50
# A provider is not asked more often than this for one job, whatever is said in its name.
MESSAGES_APART = timedelta(seconds=1)
# Headers that signatures are in; none that may hold our own secrets.
_KEPT_HEADER = re.compile(r"(?!authorization|cookie|x-api-key|x-forwarded)[a-z0-9-]{1,100}")
BATCH = 50

# Not retryable: another attempt would be paid for again, and might end the same way.
CALL_LOST = AttemptFailure(
    code="worker_lost",
    message="Workers stopped answering again and again while a provider's task was looked after.",
    retryable=False,
)


async def begin_call(engine: Engine, job: Job, *, model: str) -> Job | None:
    """Say, durably, that a provider is about to be asked. None: it must not be; see `Calls.begin`."""
    begun = await engine.stores.calls.begin(claimed(job), model=model, token=secrets.token_urlsafe(24))
    if begun is not None:
        log.info("call.begun", job_id=job.id, attempt=job.attempt, model=model)
    return begun


async def take_up(engine: Engine, *, pool: str, worker: str, models: Collection[str]) -> Job | None:
    """The waiting job of the pool that has been due longest, with a lease for `worker`; None when none is due that was
    given to one of these models.

    Waiting jobs are running jobs: a pool that is held or a queue that is paused does not keep them from their end.
    """
    return await engine.stores.calls.resume(pool, worker=worker, models=models, lease=engine.rules.lease)


async def put_off(
    engine: Engine,
    job: Job,
    delay: timedelta,
    *,
    handle: str | None = None,
    progress: Progress | None = None,
    fault: bool = False,
) -> bool:
    """End this turn; whoever is free when `delay` is over takes the next one. False: the turn is no longer ours.

    The reconciler publishes the ticket then.
    """
    waiting = await engine.stores.calls.wait(claimed(job), delay, handle=handle, progress=progress, fault=fault)
    if waiting is None:
        return False
    if handle is not None:
        log.info("call.accepted", job_id=job.id, attempt=job.attempt)
    if waiting.status is Status.CANCELLING:
        engine.broker.publish(job.pool)
    return True


async def end_lapsed_turn(engine: Engine, job: Job) -> None:
    """Whoever had this turn is gone. What was asked stays asked: another worker goes on with it, or finds out whether
    it was. Given up when too many workers were lost over it."""
    call = job.call
    if call is not None and call.lost < MOST_LOST:
        delay = RECOVER_AFTER if call.handle is None else timedelta()
        if await engine.stores.calls.lose(claimed(job), delay) is not None:
            log.warning("call.worker_lost", job_id=job.id, attempt=job.attempt, asked=call.handle is not None)
            engine.broker.publish(job.pool)
        return
    used = call.turn_at - job.started_at if call is not None and job.started_at is not None else timedelta()
    await fail(engine, job, CALL_LOST, used=used, lapsed=True)


async def end_unattended(engine: Engine, now: datetime) -> int:
    """End jobs that should have been stopped at their provider, but no worker of their pool was there to do it."""
    late = await engine.stores.calls.unattended(now - 2 * engine.rules.lease, now, limit=BATCH)
    for job in late:
        used = now - job.started_at if job.started_at is not None else timedelta()
        cancelled = job.status is Status.CANCELLING
        ending = await (stop(engine, job, used=used) if cancelled else fail(engine, job, DEADLINE_EXCEEDED, used=used))
        if ending is not Ending.LOST:
            log.warning("call.abandoned", job_id=job.id, model=job.remote.model if job.remote else None)
    return len(late)


async def hear(engine: Engine, job: JobId, token: str, *, headers: Mapping[str, str], body: bytes) -> bool:
    """A provider, or somebody who knows a call's token, says that something happened: a worker is to look at it now.

    Nothing is believed here; see `RemoteModel.parse_webhook`. False when nothing waits for it, or too soon.
    """
    kept = {name: value for name, value in headers.items() if _KEPT_HEADER.fullmatch(name)}
    heard = await engine.stores.calls.hear(job, token, headers=kept, body=body, apart=MESSAGES_APART)
    if heard:
        engine.broker.publish(Pool.REMOTE)
    return heard


async def ring(engine: Engine, now: datetime) -> int:
    """Publish tickets for waiting jobs that are due, where too few wait already; how many."""
    published = 0
    for pool in engine.pools:
        due = await engine.stores.calls.count_due(pool, now, limit=MOST_TICKETS)
        waiting = await engine.broker.depth(pool) if due else None
        if waiting is not None and waiting < due:
            engine.broker.publish(pool, due - waiting)
            published += due - waiting
    return published
