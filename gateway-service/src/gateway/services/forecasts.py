"""What a waiting job may expect: its place, why it waits, when it will start. Read-only; nothing is decided by it."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.services import snapshot
from gateway.services.snapshot import Runs, Snapshot
from gateway.views import job_view
from reelwork.contract.jobs import JobView
from reelwork.contract.queue import JobQueue, MomentsView
from reelwork.domain.eta import Span, foresee
from reelwork.domain.ids import LaneId
from reelwork.domain.job import Job, Status
from reelwork.domain.lifecycle import ACTIVE, Lifecycle, reference, split_reference
from reelwork.domain.route import AWAY
from reelwork.domain.waiting import LaneView, Reason, Situation, reasons, servable
from reelwork.domain.worker import ModelOffered
from reelwork.store.client import DatabaseClock
from reelwork.store.queue import Place
from reelwork.store.standings import Crew, Standing
from reelwork.store.stores import Stores

# A forecast serves everybody who asks within this time, or within so many times what it took to make.
FRESH_SECONDS = 2.0
FRESH_TIMES_COST = 20
# One that does not know of a job yet is made anew, but not more often than this; until then it says nothing.
SHORTEST_SECONDS = 0.25
# Reasons whose end nobody can foresee, or that have none.
_NO_TELLING = frozenset(
    {
        "deadline_passed",
        "account_suspended",
        "plan_without_jobs",
        "pool_held",
        "queue_paused",
        "no_worker",
        "model_unavailable",
    }
)
_POLL_MS = range(1000, 30_000 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A pool, and when the queued jobs of each lane start: spans from `snapshot.at`. `starts`: None, nobody knows."""

    snapshot: Snapshot
    starts: dict[LaneId, list[Span]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A waiting job's."""

    reasons: Sequence[Reason]
    queue: JobQueue


class ForecastService:
    """One for all callers: forecasts of whole pools are shared, whoever asks."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._clock = DatabaseClock(stores.database)
        self._forecasts: dict[str, tuple[float, float, Forecast]] = {}  # made at, good until (monotonic seconds)
        self._known_runs: dict[str, tuple[float, Runs]] = {}
        self._making: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def view(self, job: Job, *, life: Lifecycle = ACTIVE) -> JobView:
        """The job with its place and prospects, and when to ask again. `life`: of its model."""
        if job.status is Status.PROCESSING:
            return job_view(job, poll_after_ms=await self._until_done_ms(job), life=life)
        if job.status is not Status.QUEUED:
            return job_view(job, life=life)
        queue = (await self.prospect(job)).queue
        return job_view(job, queue=queue, poll_after_ms=_until_start_ms(queue), life=life)

    async def prospect(self, job: Job, *, fresh: bool = False) -> Prospect:
        """Of a queued job. `fresh`: nothing remembered is used, so that the reasons are those of this moment."""
        lane = (await self._stores.standings.lanes([job.lane])).get(job.lane)
        ahead = await self._stores.queue.ahead(job.lane, Place(priority=job.priority, order=job.order))
        forecast = await self.forecast(job.pool, models=[job.model], fresh=fresh, lane=job.lane, number=ahead)
        found = reasons(await self._situation(job, lane, ahead, forecast.snapshot))
        starts = _starts(job, ahead, forecast, found)
        run = forecast.snapshot.runs.quantiles(job.model, job.input)
        queue = JobQueue(
            position=ahead + 1 if job.due else None,
            ahead=ahead if job.due else None,
            starts_at=starts,
            completes_at=_later(starts, run.p50, run.p90) if starts is not None and run is not None else None,
            samples=run.samples if run is not None else 0,
            reason=found[0].code,
        )
        return Prospect(reasons=found, queue=queue)

    async def _situation(self, job: Job, lane: Standing | None, ahead: int, seen: Snapshot) -> Situation:
        account = None
        if lane is None or lane.paused or not lane.limit:
            account = await self._stores.accounts.get(job.account_id)
        return Situation(
            job=job,
            now=await self._clock.now(),
            lane=_lane_view(lane) if lane is not None else None,
            held_since=account.held_pools.get(job.pool) if account is not None else None,
            ahead=ahead,
            lanes_before=_lanes_before(lane, seen) if lane is not None else 0,
            pool=seen.crew.view,
            model_offered=await self._offered(job, seen.crew),
            suspended_since=account.suspended_at if account is not None else None,
            pool_held_since=seen.held_since,
        )

    async def _offered(self, job: Job, crew: Crew) -> bool:
        """Whether a worker of the crew will run the job: one that has its model; or, while no worker at all has that
        one, a model that may stand in for it."""
        if reference(job.model, job.model_version) in crew.models:
            return True
        if not set(job.fallbacks) & {split_reference(model)[0] for model in crew.models}:
            return False
        own = ModelOffered(name=job.model, version=job.model_version)
        return not await self._stores.models.living([own], within=AWAY)

    async def forecast(
        self,
        pool: str,
        *,
        models: Sequence[str] = (),
        fresh: bool = False,
        lane: LaneId | None = None,
        number: int = 0,
    ) -> Forecast:
        """The pool's forecast, remembered or made anew; made anew as well where it does not reach to this job."""
        async with self._making[pool]:
            made_at, good_until, known = self._forecasts.get(pool, (0.0, 0.0, None))
            age = time.monotonic() - made_at
            if known is not None and not fresh and time.monotonic() < good_until:
                reaches = known.snapshot.queued.get(lane, 0) > number if lane is not None else True
                if age < SHORTEST_SECONDS or (reaches and _knows(known, models)):
                    return known
            return await self._make(pool, models)

    async def _make(self, pool: str, models: Sequence[str]) -> Forecast:
        begun = time.monotonic()
        taken = await snapshot.take(self._stores, pool, models=models)
        backlog = taken.backlog() if taken.crew.view.places else None
        starts = (
            await asyncio.to_thread(foresee, backlog, workers=taken.crew.view.places) if backlog is not None else None
        )
        forecast, now = Forecast(snapshot=taken, starts=starts), time.monotonic()
        self._forecasts[pool] = (begun, now + max(FRESH_SECONDS, FRESH_TIMES_COST * (now - begun)), forecast)
        return forecast

    async def expected_end(self, job: Job) -> datetime | None:
        """Of a running job, by how long half of such runs took; by nine of ten once that has passed. None where nobody
        knows, or where it has run for longer than both."""
        run = (await self._runs(job.model)).quantiles(job.model, job.input)
        if run is None or job.started_at is None:
            return None
        ends = [job.started_at + timedelta(seconds=seconds) for seconds in (run.p50, run.p90)]
        return next((end for end in ends if end > datetime.now(UTC)), None)

    async def _until_done_ms(self, job: Job) -> int | None:
        run = (await self._runs(job.model)).quantiles(job.model, job.input)
        if run is None or job.started_at is None:
            return None
        return _poll_ms(run.p50 - (datetime.now(UTC) - job.started_at).total_seconds())

    async def _runs(self, model: str) -> Runs:
        """Read alone, and remembered: there are many questions about running jobs, and they ask for nothing else."""
        read_at, known = self._known_runs.get(model, (-FRESH_SECONDS, None))
        if known is None or time.monotonic() - read_at >= FRESH_SECONDS:
            known = Runs(by_model=await self._stores.runtimes.of([model]))
            self._known_runs[model] = (time.monotonic(), known)
        return known


def _knows(forecast: Forecast, models: Sequence[str]) -> bool:
    """Whether runs of these models were looked for; that there were none is known as well."""
    return all(model in forecast.snapshot.looked_for for model in models)


def _lane_view(lane: Standing) -> LaneView:
    return LaneView(active=lane.active, paused=lane.paused, running=len(lane.places), limit=lane.limit)


def _lanes_before(own: Standing, seen: Snapshot) -> int:
    return sum(
        1
        for lane in seen.lanes.values()
        if lane.id != own.id and lane.vstart < own.vstart and seen.queued.get(lane.id) and servable(_lane_view(lane))
    )


def _starts(job: Job, ahead: int, forecast: Forecast, found: Sequence[Reason]) -> MomentsView | None:
    if forecast.starts is None or _NO_TELLING & {each.code for each in found}:
        return None
    spans = forecast.starts.get(job.lane, [])
    if not job.due:
        return _after_delay(job, ahead, spans, forecast.snapshot)
    if ahead >= len(spans):
        return None
    return _moments(spans[ahead], forecast.snapshot.at)


def _after_delay(job: Job, ahead: int, spans: Sequence[Span], seen: Snapshot) -> MomentsView | None:
    """Not before its time and those that come before it; then in the place of whoever would start next."""
    waiting = seen.queued.get(job.lane, 0)
    delay = (job.not_before - seen.at).total_seconds() if job.not_before is not None else 0.0
    p50 = _taken_over([span.p50 for span in spans[ahead:]], delay)
    p90 = _taken_over([span.p90 for span in spans[ahead:]], delay)
    if p50 is not None and p90 is not None:
        return _moments(Span(p50=p50, p90=p90), seen.at)
    if len(spans) < waiting:
        return None
    last = spans[-1] if spans else Span(p50=0.0, p90=0.0)
    return _moments(Span(p50=max(last.p50, delay), p90=max(last.p90, delay)), seen.at)


def _taken_over(starts: Sequence[float], delay: float) -> float | None:
    """The first of these starts that is not earlier than the delay."""
    return next((start for start in starts if start >= delay), None)


def _moments(span: Span, at: datetime) -> MomentsView:
    now = datetime.now(UTC)  # nothing that still waits started earlier
    return MomentsView(p50=max(now, at + timedelta(seconds=span.p50)), p90=max(now, at + timedelta(seconds=span.p90)))


def _later(starts: MomentsView, p50: float, p90: float) -> MomentsView:
    return MomentsView(p50=starts.p50 + timedelta(seconds=p50), p90=starts.p90 + timedelta(seconds=p90))


def _until_start_ms(queue: JobQueue) -> int | None:
    if queue.starts_at is None:
        return None
    return _poll_ms((queue.starts_at.p50 - datetime.now(UTC)).total_seconds())


def _poll_ms(seconds: float) -> int:
    """Asking earlier is not worth it; bounded, since it is only an estimate."""
    return min(_POLL_MS.stop - 1, max(_POLL_MS.start, math.ceil(seconds * 1000)))
