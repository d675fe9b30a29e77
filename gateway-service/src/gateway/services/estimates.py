"""What would become of a job, were it submitted now. Stores nothing."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from gateway.auth import Caller
from gateway.services.building import JobBuilder, NewJob
from gateway.services.forecasts import ForecastService
from gateway.services.snapshot import Snapshot
from reelwork.contract.jobs import JobBody
from reelwork.contract.money import EstimatedCost
from reelwork.contract.problem import FieldProblem
from reelwork.contract.queue import EstimateView, HitLimit, LimitName, RunSeconds, SecondsFromNow
from reelwork.domain.errors import (
    InsufficientCredits,
    InsufficientTier,
    MaxCostExceeded,
    QuotaExceeded,
    ReelworkError,
    SpendCapReached,
)
from reelwork.domain.eta import Span, Waiting, foresee
from reelwork.domain.lane import FIRST_ESTIMATE_SECONDS
from reelwork.domain.lifecycle import reference
from reelwork.domain.money import dollars
from reelwork.store.queue import Place
from reelwork.store.standings import Standing
from reelwork.store.stores import Stores

# What a refusal is about, in the words of the answer.
_LIMITS: dict[type[ReelworkError], LimitName] = {
    InsufficientTier: "plan",
    MaxCostExceeded: "max_cost",
    InsufficientCredits: "credit",
    SpendCapReached: "spend_cap",
    QuotaExceeded: "quota",
}


class Funds(Protocol):
    """Whoever keeps the books."""

    async def refusals(self, caller: Caller, new: NewJob) -> Sequence[ReelworkError]:
        """Why nothing could be reserved for this job now: InsufficientCredits, SpendCapReached, QuotaExceeded. Only a
        look: reserves nothing. Raises StoreUnavailable."""
        ...


class EstimateService:
    """Answers for bodies that submit would take, were it not for limits of plan and money."""

    def __init__(
        self, stores: Stores, builder: JobBuilder, forecasts: ForecastService, *, funds: Funds | None = None
    ) -> None:
        self._stores = stores
        self._builder = builder
        self._forecasts = forecasts
        self._funds = funds

    async def estimate(self, caller: Caller, body: JobBody, *, request_id: str) -> EstimateView:
        """Tells of limits, and raises what is wrong: ModelNotFound, InvalidInput, StoreUnavailable."""
        new = await self._builder.draft(caller, body, request_id=request_id)
        unpaid = await self._funds.refusals(caller, new) if self._funds is not None else ()
        limits = [_limit(refusal) for refusal in (*new.refusals, *unpaid)]
        if new.job.status.is_terminal:
            return _answered_already(new, limits)
        return await self._queued(new, limits)

    async def _queued(self, new: NewJob, limits: list[HitLimit]) -> EstimateView:
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
            cost=EstimatedCost(estimated=dollars(new.price)),
            limits=limits,
        )

    async def _starts(self, new: NewJob, seen: Snapshot, ahead: int) -> Span | None:
        account = await self._stores.accounts.get(new.terms.account_id)
        held = account is not None and new.job.pool in account.held_pools
        backlog = seen.backlog()
        offered = reference(new.job.model, new.job.model_version) in seen.crew.models
        if held or backlog is None or not seen.crew.view.places or not offered:
            return None
        known = (await self._stores.standings.lanes([new.terms.id])).get(new.terms.id)
        own = _with_one_more(known or _opened(new, seen), seen, seen.runs.of(new.job.model, new.job.input))
        if own is None:
            return None
        lanes = [*(lane for lane in backlog if lane.id != own.id), own]
        spans = (await asyncio.to_thread(foresee, lanes, workers=seen.crew.view.places)).get(own.id, [])
        return _not_earlier(spans[ahead], new.job.not_before) if ahead < len(spans) else None


def _limit(refusal: ReelworkError) -> HitLimit:
    return HitLimit(
        limit=_LIMITS[type(refusal)],
        code=refusal.code,
        detail=refusal.detail,
        hint=refusal.hint,
        errors=[FieldProblem(pointer=e.pointer, code=e.code, detail=e.detail) for e in refusal.errors],
    )


def _answered_already(new: NewJob, limits: list[HitLimit]) -> EstimateView:
    return EstimateView(
        model=new.job.model,
        model_version=new.job.model_version,
        pool=new.job.pool,
        run_seconds=None,
        starts_in_seconds=SecondsFromNow(p50=0.0, p90=0.0),
        queue_position=None,
        cache_hit=True,
        cost=EstimatedCost(estimated=dollars(new.price)),
        limits=limits,
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
