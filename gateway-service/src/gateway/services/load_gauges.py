"""What waits and runs in the whole installation, for Prometheus: the numbers that `GET /v1/scaling` shows."""

import asyncio

import structlog

from gateway.services.scaling import ScalingService
from reelwork.contract.scaling import PoolLoad
from reelwork.domain.errors import ReelworkError
from reelwork.metrics import DESIRED_WORKERS, JOBS, OLDEST_SECONDS

log = structlog.get_logger(__name__)

# So often the load is counted, however many scrapes or requests there are. Prometheus' own default is every minute.
INTERVAL_SECONDS = 5.0


class LoadGauges:
    """Keeps the gauges of this process at the load; while MongoDB is away there are none rather than old ones."""

    def __init__(self, scaling: ScalingService) -> None:
        self._scaling = scaling

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def look(self) -> None:
        """Count once."""
        try:
            load = await self._scaling.look()
        except ReelworkError as error:
            for gauge in (JOBS, OLDEST_SECONDS, DESIRED_WORKERS):
                gauge.clear()
            log.warning("load.not_counted", reason=error.detail)
            return
        for pool, seen in load.pools.items():
            _show(pool, seen)


def _show(pool: str, seen: PoolLoad) -> None:
    for state, count in (("queued", seen.queued), ("delayed", seen.delayed), ("running", seen.running)):
        JOBS.labels(pool, state).set(count)
    OLDEST_SECONDS.labels(pool).set(seen.oldest_seconds or 0)
    DESIRED_WORKERS.labels(pool).set(seen.desired_workers)
