"""Claiming: the next jobs of a pool in fair order, each under a lease. Two compare-and-sets, each harmless alone."""

import time

import structlog

from reelwork.domain.ids import new_slot_id
from reelwork.domain.job import Job, Progress, Status
from reelwork.domain.lane import Reservation
from reelwork.engine.engine import Engine, claimed
from reelwork.engine.finish import hand_back
from reelwork.metrics import CLAIM_SECONDS, QUEUE_SECONDS
from reelwork.store.attempts import Claimed, Taken

log = structlog.get_logger(__name__)

# Lanes that turn out to be idle are passed over; so many in one claim is not expected outside of races.
MAX_LANES_TRIED = 64
# A reserved place is safe for a lease of database time; we trust our own clock for half of that.
TRUST = 0.5


async def claim(engine: Engine, *, pool: str, worker: str) -> Job | None:
    """The job that is next, moved to processing for `worker`; None when nothing may run now."""
    jobs = await claim_batch(engine, pool=pool, worker=worker, most=1)
    return jobs[0] if jobs else None


async def claim_batch(engine: Engine, *, pool: str, worker: str, most: int) -> list[Job]:
    """The jobs that are next, all of one lane: one, or up to `most` where they are expected to be very short.

    Reserve places in the fairest lane, then take its first jobs. Places that nobody runs in are dropped after a
    lease; so whoever needed long between the two steps may have lost its places, and gives the jobs back unrun.
    Nothing is claimed in a pool that is held.
    """
    stores = engine.stores
    if await stores.pools.is_held(pool):
        return []
    for _ in range(MAX_LANES_TRIED):
        asked = time.monotonic()
        reservation = await stores.lanes.reserve(pool, new_slot_id(), most=most)
        if reservation is None:
            return []
        taken = await stores.attempts.take(
            reservation.lane, worker=worker, slots=reservation.slots, lease=engine.rules.lease
        )
        jobs = taken.jobs
        await _give_back_unused(engine, pool, taken, reservation)
        if not jobs:
            continue
        if time.monotonic() - asked > engine.rules.lease.total_seconds() * TRUST:
            for job in jobs:
                await hand_back(engine, job)
            return []
        CLAIM_SECONDS.labels(pool).observe(time.monotonic() - asked)
        for job in jobs:
            _note_wait(job)
            log.info("job.claimed", job_id=job.id, attempt=job.attempt, worker=worker)
        if len(jobs) == 1:  # several at once are told of when they end, which is at once
            engine.tell(jobs[0])
        return jobs
    return []


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
