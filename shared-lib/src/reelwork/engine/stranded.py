"""Stranded jobs: their model, in their version, has not been run by any worker for a day. They end as failed.

Nothing is ended on the first sight of it: where everything stood still for days, workers are given time to come back
and say what they have. And a queue or a pool that is held waits for whoever holds it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from reelwork.domain.job import Job, JobError
from reelwork.domain.lifecycle import reference
from reelwork.domain.worker import ModelOffered
from reelwork.engine.engine import Engine
from reelwork.store.backlog import Waiting
from reelwork.store.models import Sightings

log = structlog.get_logger(__name__)

# As long as `GET /v1/models` shows a model that nobody runs.
GONE_AFTER = timedelta(hours=24)
# How long this process must have seen a model to be gone, by its own clock, which stands still while a machine sleeps.
SURE_SECONDS = 600.0
# Of what takes some writes each, and of what one question finds.
BATCH = 200
LOOKED_AT = 1000


class StrandedJobs:
    """One process's search for them; each pass is bounded, and goes on where the last one ended."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._after = ""
        self._gone_since: dict[ModelOffered, float] = {}
        self._held_at: dict[str, float] = {}  # lanes and pools, by when they were last seen to be held

    async def end(self, now: datetime) -> int:
        """One pass; how many jobs ended. `now` is the database's time."""
        stores, until = self._engine.stores, now - GONE_AFTER
        sightings = await stores.models.sightings(since=until)
        surely_gone = self._surely(sightings)  # at each pass: a model that is back is to be seen, whatever waits
        if not surely_gone:
            return 0
        waiting, self._after = await stores.backlog.waiting_since(until, after=self._after, limit=LOOKED_AT)
        stranded = await self._left_to_run([job for job in waiting if _is_stranded(job, surely_gone, sightings)])
        found = await stores.backlog.still_waiting([job.id for job in stranded[:BATCH]], until) if stranded else []
        return sum([await self._fail(job) for job in found])

    def _surely(self, sightings: Sightings) -> set[ModelOffered]:
        """Those that were gone already a while ago."""
        now = self._clock()
        self._gone_since = {model: self._gone_since.get(model, now) for model in sightings.gone}
        return {model for model, since in self._gone_since.items() if now - since >= SURE_SECONDS}

    async def _left_to_run(self, waiting: Sequence[Waiting]) -> list[Waiting]:
        """Without those whose queue or pool is held, or was a while ago: it is not a worker that they wait for."""
        if not waiting:
            return []
        stores, now = self._engine.stores, self._clock()
        held = await stores.holds.held({job.lane for job in waiting}) | (await stores.pools.held()).keys()
        self._held_at = {key: at for key, at in self._held_at.items() if now - at < SURE_SECONDS}
        self._held_at |= dict.fromkeys(held, now)
        return [job for job in waiting if not {job.lane, job.pool} & self._held_at.keys()]

    async def _fail(self, job: Job) -> int:
        """Compare-and-set on the job as it was seen; whether it ended."""
        failed = await self._engine.stores.backlog.fail_waiting(job, _error(job))
        if failed:
            log.info("job.stranded", job_id=job.id, model=job.model, version=job.model_version)
            self._engine.tell(job)
        return int(failed)


def _is_stranded(job: Waiting, gone: set[ModelOffered], sightings: Sightings) -> bool:
    """No worker has had its own model in its version, nor, in any version, one that may stand in."""
    return job.model in gone and not set(job.fallbacks) & {model.name for model in sightings.seen}


def _error(job: Job) -> JobError:
    hours = round(GONE_AFTER.total_seconds() / 3600)
    return JobError(
        code="model_unavailable",
        message=(
            f"No worker has had {reference(job.model, job.model_version)} for {hours} hours. Submit the job for a "
            "model that GET /v1/models shows as available, or retry it when a worker has this one again."
        ),
        retryable=True,
        attempt=job.attempt,
    )
