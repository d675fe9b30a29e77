"""What would become of a job, were it submitted now. Stores nothing."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.auth import Caller
from gateway.services.building import JobBuilder, NewJob
from gateway.services.forecasts import ForecastService
from gateway.services.snapshot import Snapshot
from reelwork.contract.jobs import JobBody
from reelwork.contract.queue import EstimateView, RunSeconds, SecondsFromNow
from reelwork.domain.eta import Span, Waiting, foresee
from reelwork.domain.lane import FIRST_ESTIMATE_SECONDS
from reelwork.store.queue import Place
from reelwork.store.standings import Standing
from reelwork.store.stores import Stores


class EstimateService:
    """Answers for exactly those bodies that submit would take."""

    def __init__(self, stores: Stores, builder: JobBuilder, forecasts: ForecastService) -> None:
        self._stores = stores
        self._builder = builder
        self._forecasts = forecasts

    async def estimate(self, caller: Caller, body: JobBody, *, request_id: str) -> EstimateView:
        """Raises whatever submit would raise: ModelNotFound, InvalidInput, InsufficientTier, StoreUnavailable."""
        new = await self._builder.build(caller, body, request_id=request_id)
        if new.job.status.is_terminal:
            return _answered_already(new)
        return await self._queued(new)

    async def _queued(self, new: NewJob) -> EstimateView:
        place = Place(priority=new.job.priority, order=new.job.order)
        ahead = await self._stores.queue.ahead(new.terms.id, place)
        seen = (await self._forecasts.forecast(new.job.pool, models=[new.job.model])).snapshot
        run = seen.runs.quantiles(new.job.model, new.job.input)
        starts = await self._starts(new, seen, ahead)
        return EstimateView(
            model=new.job.model,
            model_version=new.job.model_version,
            pool=new.job.pool,
            run_seconds=RunSeconds(p50=run.p50, p90=run.p90, samples=run.samples) if run is not None else None,
            starts_in_seconds=SecondsFromNow(p50=starts.p50, p90=starts.p90) if starts is not None else None,
            queue_position=ahead + 1,
            cache_hit=False,
        )

    async def _starts(self, new: NewJob, seen: Snapshot, ahead: int) -> Span | None:
        account = await self._stores.accounts.get(new.terms.account_id)
        held = account is not None and new.job.pool in account.held_pools
        backlog = seen.backlog()
        if held or backlog is None or not seen.crew.view.places or new.job.model not in seen.crew.models:
            return None
        known = (await self._stores.standings.lanes([new.terms.id])).get(new.terms.id)
        own = _with_one_more(known or _opened(new, seen), seen, seen.runs.of(new.job.model, new.job.input))
        if own is None:
            return None
        lanes = [*(lane for lane in backlog if lane.id != own.id), own]
        spans = (await asyncio.to_thread(foresee, lanes, workers=seen.crew.view.places)).get(own.id, [])
        return _not_earlier(spans[ahead], new.job.not_before) if ahead < len(spans) else None


def _answered_already(new: NewJob) -> EstimateView:
    return EstimateView(
        model=new.job.model,
        model_version=new.job.model_version,
        pool=new.job.pool,
        run_seconds=None,
        starts_in_seconds=SecondsFromNow(p50=0.0, p90=0.0),
        queue_position=None,
        cache_hit=True,
    )


def _with_one_more(lane: Standing, seen: Snapshot, lengths: Sequence[float]) -> Waiting | None:
    """The lane with the new job in it. How long that one takes delays nobody in front of it: any number will do."""
    queued = seen.queued.get(lane.id, 0)
    vstart = lane.vstart if lane.active else max(lane.vstart, _virtual_time(seen))
    before = seen.lengths(lane) if queued else lengths or [FIRST_ESTIMATE_SECONDS]
    return seen.waiting(dataclasses.replace(lane, vstart=vstart), queued=queued + 1, lengths=before)


def _opened(new: NewJob, seen: Snapshot) -> Standing:
    """A lane as it is when it is first opened."""
    return Standing(
        id=new.terms.id,
        account_id=new.terms.account_id,
        weight=new.terms.weight,
        limit=new.terms.limit,
        vstart=_virtual_time(seen),
        last_start=0.0,
        estimate=FIRST_ESTIMATE_SECONDS,
        active=True,
        paused=False,
        places=(),
    )


def _virtual_time(seen: Snapshot) -> float:
    """As `Lanes.virtual_time` has it, from what was seen."""
    ready = [lane.vstart for lane in seen.lanes.values() if lane.active and not lane.paused]
    return min(ready) if ready else max((lane.last_start for lane in seen.lanes.values()), default=0.0)


def _not_earlier(span: Span, moment: datetime | None) -> Span:
    delay = (moment - datetime.now(UTC)).total_seconds() if moment is not None else 0.0
    return Span(p50=max(span.p50, delay), p90=max(span.p90, delay))
