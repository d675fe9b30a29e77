"""Claiming: the next job of a pool in fair order, under a lease. Three compare-and-sets, each harmless alone."""

import structlog

from reelwork.domain.ids import new_slot_id
from reelwork.domain.job import Job, Progress, Status
from reelwork.engine.engine import Engine, claimed
from reelwork.store.attempts import Claimed

log = structlog.get_logger(__name__)

# Lanes that turn out to be idle are passed over; so many in one claim is not expected outside of races.
MAX_LANES_TRIED = 64


async def claim(engine: Engine, *, pool: str, worker: str) -> Job | None:
    """The job that is next, moved to processing for `worker`; None when nothing may run now.

    Reserve a place in the fairest lane, take its first job, then confirm the place: whoever slept so long that the
    place was taken back must not run the job.
    """
    stores = engine.stores
    for _ in range(MAX_LANES_TRIED):
        slot = new_slot_id()
        reservation = await stores.lanes.reserve(pool, slot)
        if reservation is None:
            return None
        job = await stores.attempts.take(reservation.lane, worker=worker, slot=slot, lease=engine.rules.lease)
        if job is None:
            await stores.lanes.give_back(reservation)
        elif await stores.lanes.confirm(reservation, job.id):
            log.info("job.claimed", job_id=job.id, attempt=job.attempt, worker=worker)
            engine.tell(job)
            return job
        else:
            await stores.attempts.put_back(claimed(job))
    return None


async def renew(engine: Engine, fence: Claimed, progress: Progress | None = None) -> Status | None:
    """The heartbeat: the job's status (it may say `cancelling`), or None when the attempt is no longer ours."""
    return await engine.stores.attempts.renew(fence, lease=engine.rules.lease, progress=progress)
