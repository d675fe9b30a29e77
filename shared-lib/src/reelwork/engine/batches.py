"""Accepting many jobs as one: all of them, or none, whatever dies on the way.

The batch is stored first, then its jobs, which are `pending` and so in no queue; one update of the batch then accepts
all of it; then the jobs are released. What dies before that update is withdrawn by the reconciler, what dies behind it
is finished by it.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from reelwork.domain.batch import Batch, BatchState
from reelwork.domain.errors import ReelworkError, StoreUnavailable
from reelwork.domain.ids import BatchId
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms
from reelwork.engine.engine import Engine
from reelwork.engine.reserving import Ask, Purse
from reelwork.engine.settling import STORED_WITHIN, settle
from reelwork.engine.submit import LaneOpener
from reelwork.store.client import server_time

# Jobs in one write. With a body of at most 8 MiB for all of them, far below the 48 MB of a message to MongoDB.
CHUNK = 250
# Whoever has not stored all jobs of a batch by then is taken for dead. Each of its writes ends within seconds.
STORING = timedelta(seconds=60)
# Nobody writes a job after this, counted from the first item's check: nothing is written behind a withdrawal, and the
# assets that the jobs name are kept for them until then (`NAMING`).
LAST_WRITE = STORING / 2
RELEASING = timedelta(seconds=5)
# How long a withdrawn batch is remembered, in case a write to it was still under way.
REMEMBERED = timedelta(minutes=10)

log = structlog.get_logger(__name__)


async def accept(
    engine: Engine,
    opener: LaneOpener,
    batch: Batch,
    jobs: Sequence[tuple[Job, LaneTerms]],
    *,
    begun: float | None = None,
    purse: Purse | None = None,
    prices: Sequence[int] = (),
) -> Batch:
    """Store a batch and its jobs, `pending` or answered from the cache: accepted as a whole when this returns.

    `begun`: when the first of them was checked, by `time.monotonic`; None: just now. `purse`: from which the jobs are
    paid, all of them before the first is stored, by their `prices`; None: they cost nothing.

    The answer is another batch if one of the same mark was accepted first; then nothing is left of this one.
    Raises QuotaExceeded, SpendCapReached, InsufficientCredits: then nothing was stored.
    Raises StoreUnavailable: then nothing of it ever runs, and what was stored goes away; unless it was the answer to
    the acceptance itself that got lost, which only asking by the mark can tell.
    """
    batches, begun = engine.stores.batches, time.monotonic() if begun is None else begun
    last_write = min(begun + LAST_WRITE.total_seconds(), time.monotonic() + STORED_WITHIN.total_seconds())
    if purse is not None:
        jobs = await _paid(jobs, purse, prices)
    await batches.begin(batch, patience=STORING)
    for start in range(0, len(jobs), CHUNK):
        if time.monotonic() > last_write:
            raise _too_slow()
        await engine.stores.jobs.insert(*(job for job, _ in jobs[start : start + CHUNK]))
    if not await batches.commit(batch.id, patience=RELEASING):
        return await _instead(engine, batch)
    log.info("batch.accepted", batch_id=batch.id, jobs=len(jobs))
    try:
        await _release(engine, batch.id)
    except StoreUnavailable as error:
        log.warning("batch.not_released", batch_id=batch.id, reason=error.detail)  # the reconciler will
        return batch
    claimable = [terms for job, terms in jobs if job.not_before is None and not job.status.is_terminal]
    for terms, count in Counter(claimable).items():
        opener.announce(terms, count)
    return batch


async def _paid(
    jobs: Sequence[tuple[Job, LaneTerms]], purse: Purse, prices: Sequence[int]
) -> list[tuple[Job, LaneTerms]]:
    """The jobs with their bills. Those that the cache answered cost nothing."""
    new = [job for job, _ in jobs if not job.status.is_terminal]
    price = dict(zip((job.id for job, _ in jobs), prices, strict=True))
    bills = await purse.reserve(*(Ask(job_id=job.id, price=price[job.id]) for job in new))
    reserved = {job.id: bill for job, bill in zip(new, bills, strict=True)}
    return [(replace(job, bill=reserved.get(job.id)), terms) for job, terms in jobs]


async def _discard(engine: Engine, batch: BatchId) -> bool:
    """Remove the jobs of a withdrawn batch, once what was reserved for them is given back. False: not all yet."""
    batches = engine.stores.batches
    account = await batches.end_jobs(batch)
    if account is not None:
        await settle(engine.stores.books, account, await server_time(engine.stores.database))
    return await batches.discard_jobs(batch)


async def _instead(engine: Engine, batch: Batch) -> Batch:
    """What was accepted in place of a batch that was not. Raises StoreUnavailable if nothing was."""
    batches = engine.stores.batches
    await batches.withdraw(batch.id, patience=REMEMBERED)
    await _discard(engine, batch.id)  # also those that were written behind the reconciler's back
    other = await batches.marked(batch.account_id, batch.mark) if batch.mark is not None else None
    if other is None:
        raise _too_slow()
    return other


async def settle_batches(engine: Engine, now: datetime, *, limit: int) -> int:
    """Look after batches that were left half-way; for the reconciler, before it opens lanes. How many there were."""
    found = await engine.stores.batches.unsettled(now, limit=limit)
    for batch, state in found:
        await _settle(engine, batch, state)
    return len(found)


async def _settle(engine: Engine, batch: BatchId, state: BatchState) -> None:
    batches = engine.stores.batches
    match state:
        case BatchState.READY:
            await _release(engine, batch)
        case BatchState.STORING:
            if await batches.withdraw(batch, patience=REMEMBERED):
                await _discard(engine, batch)
                log.warning("batch.withdrawn", batch_id=batch)
        case BatchState.WITHDRAWN:
            if await _discard(engine, batch):
                await batches.forget(batch)
        case _:
            assert_never(state)


async def _release(engine: Engine, batch: BatchId) -> None:
    await engine.stores.batches.release(batch)
    await engine.stores.batches.settle(batch)


def _too_slow() -> ReelworkError:
    return StoreUnavailable(
        "MongoDB took too long to store the batch.",
        hint="Nothing of it was accepted. Try again.",
        retry_after_seconds=5,
    )
