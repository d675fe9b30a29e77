"""Shares of a pool, measured in seconds of service. The service is simulated: run times are told, not slept."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from reelwork.domain.ids import LaneId
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms
from reelwork.domain.tier import PLANS, Tier
from reelwork.engine.finish import complete
from reelwork.store.jobs import JOB_CODEC
from testkit.world import World, new_job, terms

TIERS = (Tier.ENTERPRISE, Tier.PRO, Tier.DEVELOPER)


@dataclass
class Service:
    """So many workers, serving a world in simulated time. `seconds`: service that each lane has had."""

    world: World
    workers: int
    lengths: dict[LaneId, float]
    now: float = 0.0
    seconds: Counter[LaneId] = field(default_factory=Counter)
    started: list[LaneId] = field(default_factory=list)
    _running: list[tuple[float, str, Job]] = field(default_factory=list)

    async def until(self, moment: float) -> None:
        """Serve up to a moment; what runs on behind it counts for its part before it."""
        while self.now < moment:
            while len(self._running) < self.workers and (job := await self.world.claim()):
                length = self.lengths[job.lane]
                self.started.append(job.lane)
                self.seconds[job.lane] += min(length, moment - self.now)
                heapq.heappush(self._running, (self.now + length, job.id, job))
            self.now, _, ended = heapq.heappop(self._running)
            await complete(self.world.engine, ended, [], used=timedelta(seconds=self.lengths[ended.lane]))

    def share(self, lane: LaneTerms) -> float:
        return self.seconds[lane.id] / sum(self.seconds.values())


async def queue(world: World, lane: LaneTerms, count: int) -> None:
    """Many jobs at once, as a batch would be stored."""
    jobs = [new_job(lane, order=float(number)) for number in range(count)]
    await world.database["jobs"].insert_many([JOB_CODEC.encode(job) | {"due": True} for job in jobs])
    await world.stores.lanes.open(lane)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lengths", "horizon"),
    [((1.0, 2.0, 3.0), 360.0), ((9.0, 6.0, 3.0), 900.0)],
    ids=["light accounts have long jobs", "light accounts have short jobs"],
)
async def test_busy_accounts_get_shares_by_their_weights(
    world: World, quiet: None, lengths: tuple[float, ...], horizon: float
) -> None:
    lanes = [await world.joined(tier) for tier in TIERS]
    weights = [PLANS[tier].weight for tier in TIERS]
    service = Service(world, workers=4, lengths={lane.id: each for lane, each in zip(lanes, lengths, strict=True)})
    for lane, weight, length in zip(lanes, weights, lengths, strict=True):
        share = weight / sum(weights)
        await queue(world, lane, int(service.workers * horizon * share / length * 1.2) + 5)

    await service.until(horizon)

    for lane, weight in zip(lanes, weights, strict=True):
        assert service.share(lane) == pytest.approx(weight / sum(weights), rel=0.05)


async def test_equal_accounts_get_equal_time_whatever_their_jobs_take(world: World, quiet: None) -> None:
    short, long = terms(), terms()
    service = Service(world, workers=2, lengths={short.id: 0.5, long.id: 5.0})
    await queue(world, short, 300)
    await queue(world, long, 40)

    await service.until(120)

    assert service.share(short) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("heavy", [1, 8])
async def test_the_one_job_of_a_light_account_starts_soon_however_long_the_queues(
    world: World, quiet: None, heavy: int
) -> None:
    lanes = [terms(weight=10, limit=100) for _ in range(heavy)]
    light = terms(weight=1, limit=3)
    service = Service(world, workers=4, lengths={lane.id: 1.0 for lane in [*lanes, light]})
    for lane in lanes:
        await queue(world, lane, 60)
    await service.until(6)
    before = len(service.started)

    await queue(world, light, 1)
    await service.until(12)

    assert service.started[before:].index(light.id) <= heavy


async def test_idle_time_is_not_saved_up(world: World, quiet: None) -> None:
    busy, late = terms(), terms()
    service = Service(world, workers=1, lengths={busy.id: 1.0, late.id: 1.0})
    await queue(world, late, 1)
    await queue(world, busy, 100)
    await service.until(40)
    service.started.clear()

    await queue(world, late, 40)
    await service.until(60)

    assert 9 <= Counter(service.started)[late.id] <= 11


async def test_waiting_for_ones_own_limit_earns_no_credit(world: World, quiet: None) -> None:
    limited, other = terms(limit=1), terms(limit=10)
    service = Service(world, workers=4, lengths={limited.id: 1.0, other.id: 1.0})
    await queue(world, limited, 200)
    await queue(world, other, 200)
    await service.until(30)
    service.started.clear()

    await world.stores.lanes.open(LaneTerms(**{**_fields(limited), "limit": 10}))
    await service.until(40)

    assert Counter(service.started)[limited.id] == pytest.approx(20, abs=3)


def _fields(of: LaneTerms) -> dict[str, object]:
    return {name: getattr(of, name) for name in of.__slots__}


async def test_nobody_waits_while_a_worker_is_idle(world: World, quiet: None) -> None:
    light = terms(weight=1, limit=10)
    service = Service(world, workers=4, lengths={light.id: 1.0})
    await queue(world, light, 50)

    await service.until(10)

    assert service.seconds[light.id] == 4 * 10


async def test_a_paused_lane_is_passed_over(world: World) -> None:
    paused, other = terms(weight=10), terms()
    for lane in (paused, other):
        await queue(world, lane, 1)
    await world.database["lanes"].update_one({"_id": paused.id}, {"$set": {"paused": True}})

    assert (await world.run()).lane == other.id
    assert await world.claim() is None
