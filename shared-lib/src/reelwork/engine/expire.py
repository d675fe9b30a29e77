"""Deadlines of jobs that wait: what has not started in time never starts, and ends as `expired`.

A claim passes such jobs over by itself; this only writes it down. Deadlines of running jobs are kept by their worker,
or decided when its lease has run out (`finish.fail`).
"""

from datetime import datetime

import structlog

from reelwork.engine.engine import Engine

log = structlog.get_logger(__name__)


# So many in one write: those that are still to expire are looked at by every claim in their lane.
BATCH = 1000


async def expire(engine: Engine, now: datetime) -> int:
    """One bounded pass; how many jobs expired. `now` is the database's time."""
    expired = await engine.stores.backlog.expire(now, limit=BATCH)
    for job in expired:
        log.info("job.expired", job_id=job.id, attempt=job.attempt)
        engine.tell(job)
    return len(expired)
