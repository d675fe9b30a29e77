"""Claiming: the next jobs of a pool in fair order, each under a lease. Two compare-and-sets, each harmless alone."""

import time
from collections.abc import Set
from dataclasses import replace

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import LaneId, new_slot_id
from reelwork.domain.job import Job, Progress, Status
from reelwork.domain.lane import LaneTerms, Reservation
from reelwork.engine.engine import Engine, claimed
from reelwork.engine.finish import hand_back
from reelwork.engine.lacking import Lacking, Walk
from reelwork.metrics import CLAIM_SECONDS, QUEUE_SECONDS
from reelwork.store.attempts import Claimed, Taken

log = structlog.get_logger(__name__)

# Lanes that turn out to be idle are passed over; so many in one claim is not expected outside of races.
MAX_IDLE_LANES = 64
# Lanes that one claim passes over for want of their models; the next claim goes on behind them.
MAX_LANES_PASSED = 1000
# A reserved place is safe for a lease of database time; we trust our own clock for half of that.
TRUST = 0.5
_NOTHING = Taken(jobs=[], emptied=False)


async def claim(engine: Engine, *, pool: str, worker: str) -> Job | None:
    """The job that is next, moved to processing for `worker`; None when nothing may run now."""
    taken = await claim_batch(engine, pool=pool, worker=worker, most=1)
    return taken.jobs[0] if taken.jobs else None


async def claim_batch(engine: Engine, *, pool: str, worker: str, most: int, lacking: Lacking | None = None) -> Taken:
    """The jobs that are next, all of one lane: one, or up to `most` where they are expected to be very short; and
    whether that was all that waited in the lane.

    Jobs of models that the worker is `lacking`, and lanes with no others, are passed over: they wait for a worker that
    has them (see `engine.lacking` for the exception), just in front of the lane that was served instead of them.

    Reserve places in the fairest lane, then take its first jobs. Places that nobody runs in are dropped after a
    lease; so whoever needed long between the two steps may have lost its places, and gives the jobs back unrun.
    Nothing is claimed in a pool that is held.
    """
    if await engine.stores.pools.is_held(pool):
        return _NOTHING
    lacking = lacking if lacking is not None else Lacking()
    walk = Walk()
    try:
        return await _first_of(engine, pool, worker=worker, most=most, lacking=lacking, walk=walk)
    finally:
        lacking.remember(walk)


async def _first_of(engine: Engine, pool: str, *, worker: str, most: int, lacking: Lacking, walk: Walk) -> Taken:
    """The jobs of the first lane that has any for this worker; lanes that have none for it are added to `walk`."""
    stores, passed, idle, recalled = engine.stores, walk.passed, 0, await lacking.recall(engine.stores)
    while idle < MAX_IDLE_LANES and len(passed) < MAX_LANES_PASSED:
        asked = time.monotonic()
        reservation = await stores.lanes.reserve(pool, new_slot_id(), most=most, skip=[*recalled, *passed])
        if reservation is None:
            return _NOTHING
        taken = await stores.attempts.take(
            reservation.lane,
            worker=worker,
            slots=reservation.slots,
            lease=engine.rules.lease,
            lacking=lacking.passes_over,
        )
        await _give_back_unused(engine, pool, taken, reservation)
        if taken.jobs:
            lacking.forget(reservation.lane)
            await _take_along(engine, pool, lacking.lanes | passed.keys(), reservation)
            return replace(taken, jobs=await _begun(engine, taken.jobs, asked=asked, worker=worker))
        if lacking.models and not taken.emptied:
            passed[reservation.lane] = reservation.epoch
            walk.seconds += time.monotonic() - asked
        else:
            idle += 1
    return _NOTHING


async def _take_along(engine: Engine, pool: str, passed: Set[LaneId], served: Reservation) -> None:
    try:
        await engine.stores.lanes.lift(pool, passed, served=served.start)
    except StoreUnavailable as error:  # the next claim does it: no reason to lose the jobs that this one has
        log.warning("lanes.not_lifted", pool=pool, reason=error.detail)


async def claim_this(engine: Engine, job: Job, terms: LaneTerms, *, worker: str) -> Job | None:
    """This very job, for whoever has just stored it and runs it at once; None when it may not run now: its lane is full
    or paused, its pool is held, or another one has it. Then it waits as any job does, and the lane is to be announced.

    It goes before what waits in its lane, since it takes nothing from those who work in the pool; but it has a place in
    the lane and is charged to it.
    """
    stores = engine.stores
    if await stores.pools.is_held(terms.pool):
        return None
    await stores.lanes.open(terms)
    asked = time.monotonic()
    reservation = await stores.lanes.reserve(terms.pool, new_slot_id(), only=terms.id)
    if reservation is None:
        return None
    lease, slots = engine.rules.lease, reservation.slots
    taken = await stores.attempts.take(terms.id, worker=worker, slots=slots, lease=lease, only=job.id)
    # That this one is gone says nothing about the others of the lane.
    await _give_back_unused(engine, terms.pool, replace(taken, emptied=False), reservation)
    begun = await _begun(engine, taken.jobs, asked=asked, worker=worker) if taken.jobs else []
    return begun[0] if begun else None


async def _begun(engine: Engine, jobs: list[Job], *, asked: float, worker: str) -> list[Job]:
    """Jobs that are ours; none if their places, for which we `asked` then, may have been dropped since."""
    if time.monotonic() - asked > engine.rules.lease.total_seconds() * TRUST:
        for job in jobs:
            await hand_back(engine, job)
        return []
    CLAIM_SECONDS.labels(jobs[0].pool).observe(time.monotonic() - asked)
    for job in jobs:
        _note_wait(job)
        log.info("job.claimed", job_id=job.id, attempt=job.attempt, worker=worker)
    if len(jobs) == 1:  # several at once are told of when they end, which is at once
        engine.tell(jobs[0])
    return jobs


def _note_wait(job: Job) -> None:
    if job.started_at is not None and job.queued_at is not None:
        QUEUE_SECONDS.labels(job.pool).observe(max(0.0, (job.started_at - job.queued_at).total_seconds()))


async def _give_back_unused(engine: Engine, pool: str, taken: Taken, reservation: Reservation) -> None:
    used = {claimed(job).slot for job in taken.jobs}
    unused = [slot for slot in reservation.slots if slot not in used]
    if unused and await engine.stores.lanes.give_back(reservation, unused, emptied=taken.emptied):
        engine.broker.publish(pool)


async def renew(engine: Engine, fence: Claimed, progress: Progress | None = None) -> Status | None:
    """The heartbeat: the job's status (it may say `cancelling`), or None when the attempt is no longer ours."""
    return await engine.stores.attempts.renew(fence, lease=engine.rules.lease, progress=progress)
