"""What autoscalers go by: the load of each pool and model, and how many workers it would keep busy."""

from collections import Counter, defaultdict
from datetime import datetime

from gateway.services.overview import Glance, OverviewService
from reelwork.contract.admin import AdminQueue
from reelwork.contract.scaling import ModelLoad, PoolLoad, Scaling
from reelwork.domain.scaling import LaneLoad, desired_workers
from reelwork.store.overview import LaneBacklog, ModelCount
from reelwork.store.standings import Standing
from reelwork.store.stores import Stores


class ScalingService:
    """Sees the jobs of all accounts: only operators may come here."""

    def __init__(self, stores: Stores, overview: OverviewService) -> None:
        self._stores = stores
        self._overview = overview

    async def look(self) -> Scaling:
        """The load now. Raises StoreUnavailable."""
        seen = await self._overview.glance()
        waiting: defaultdict[str, list[LaneBacklog]] = defaultdict(list)
        for lane in seen.backlog:
            if lane.queued:
                waiting[lane.pool].append(lane)
        pools = {queue.pool: await self._pool(queue, waiting[queue.pool]) for queue in seen.queues}
        return Scaling(at=seen.at, pools=pools, models=await self._models(seen))

    async def _pool(self, queue: AdminQueue, waiting: list[LaneBacklog]) -> PoolLoad:
        standing = await self._stores.standings.lanes([lane.lane for lane in waiting])
        tiers = await self._stores.directory.tiers({lane.account_id for lane in waiting})
        per_tier: Counter[str] = Counter()
        for lane in waiting:
            per_tier[tiers[lane.account_id].value if lane.account_id in tiers else "unknown"] += lane.queued
        return PoolLoad(
            queued=queue.queued,
            delayed=queue.delayed,
            running=queue.running,
            oldest_seconds=queue.oldest_seconds,
            held=queue.held,
            per_tier=dict(per_tier),
            workers=queue.workers,
            places=queue.places,
            desired_workers=desired_workers(
                [_load(lane, standing.get(lane.lane)) for lane in waiting],
                running=queue.running,
                workers=queue.workers,
                places=queue.places,
                held=queue.held,
            ),
        )

    async def _models(self, seen: Glance) -> dict[str, ModelLoad]:
        counted = await self._stores.overview.by_model()
        return {one.model: _model(one, seen.at) for one in counted}


def _load(lane: LaneBacklog, standing: Standing | None) -> LaneLoad:
    if standing is None:  # it is opened in a moment
        return LaneLoad(queued=lane.queued, running=0, limit=None, paused=False)
    return LaneLoad(queued=lane.queued, running=len(standing.places), limit=standing.limit, paused=standing.paused)


def _model(counted: ModelCount, at: datetime) -> ModelLoad:
    waited = (at - counted.oldest).total_seconds() if counted.oldest is not None else None
    return ModelLoad(
        queued=counted.queued,
        running=counted.running,
        oldest_seconds=max(0.0, waited) if waited is not None else None,
    )
