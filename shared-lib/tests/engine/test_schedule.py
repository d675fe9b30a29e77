"""The rules as arithmetic (`domain.schedule`) and the rules in MongoDB (`store.lanes`) come to the same numbers.

Whatever is done to both in the same order: the same lane is next, its places cost the same, and every lane stands
where the other's does, to the last bit. So the simulator tells of the real thing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelwork.domain.lane import LaneTerms, Reservation
from reelwork.domain.schedule import Pool
from testkit.stage import Stage
from testkit.world import POOL, terms

LANES = 4
LIMITS = (1, 2, 5)
WEIGHTS = (1, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that may be done; numbers are taken modulo what there is."""

    what: str
    lane: int
    number: int
    seconds: float
    emptied: bool


STEPS = st.builds(
    Step,
    what=st.sampled_from(
        ["open", "open", "reserve", "reserve", "reserve", "give back", "release", "release", "drop", "lift"]
    ),
    lane=st.integers(0, LANES - 1),
    number=st.integers(0, 20),
    seconds=st.floats(0.0, 100.0),
    emptied=st.booleans(),
)


@dataclass(slots=True)
class Both:
    """A pool, and the same in MongoDB."""

    stage: Stage
    pool: Pool = field(default_factory=Pool)
    lanes: list[LaneTerms] = field(default_factory=lambda: [terms(weight=1, limit=1) for _ in range(LANES)])
    taken: list[Reservation] = field(default_factory=list)

    def do(self, number: int, step: Step) -> None:
        match step.what:
            case "open":
                self.open(step)
            case "reserve":
                self.reserve(f"claim{number:03}", most=step.number % 16 + 1)
            case "lift" if self.taken:
                self.lift(self.taken[step.number % len(self.taken)], but=self.lanes[step.lane].id)
            case _ if self.taken:
                self.end(self.taken.pop(step.number % len(self.taken)), step)

    def open(self, step: Step) -> None:
        lane = self.lanes[step.lane]
        weight, limit = WEIGHTS[step.number % 3], LIMITS[step.number // 3 % 3]
        wanted = LaneTerms(id=lane.id, pool=POOL, account_id=lane.account_id, weight=weight, limit=limit)
        self.stage.do(self.stage.world.stores.lanes.open(wanted))
        self.pool.open(lane.id, weight=weight, limit=limit)

    def reserve(self, claim: str, *, most: int) -> None:
        stored = self.stage.do(self.stage.world.stores.lanes.reserve(POOL, claim, most=most))
        assert self.pool.reserve(claim, most=most) == stored
        self.taken += [stored] if stored else []

    def lift(self, served: Reservation, *, but: str) -> None:
        """Whoever served this one has passed over all lanes but that and one other."""
        passed = [lane.id for lane in self.pool if lane.id not in {served.lane, but}]
        self.stage.do(self.stage.world.stores.lanes.lift(POOL, passed, served=served.start))
        self.pool.lift(passed, served=served.start)

    def end(self, of: Reservation, step: Step) -> None:
        store = self.stage.world.stores.lanes
        match step.what:
            case "give back":
                some = of.slots[step.number % len(of.slots) :]
                self.stage.do(store.give_back(of, some, emptied=step.emptied))
                self.pool.give_back(of, some, emptied=step.emptied)
            case "release":
                used = None if step.emptied else timedelta(seconds=step.seconds)
                self.stage.do(store.release(of.lane, of.slots, used=used))
                self.pool.release(of.lane, of.slots, seconds=used.total_seconds() if used is not None else None)
            case _:
                self.stage.do(self.stage.world.age_slots())
                orphans = self.stage.world.stores.orphans
                self.stage.do(orphans.drop(of.lane, of.slots[0], older_than=timedelta(seconds=30)))
                self.pool.drop(of.lane, of.slots[0])

    def stored(self) -> dict[str, tuple[object, ...]]:
        return {
            lane["_id"]: (
                *(lane["vstart"], lane["last_start"], lane["estimate"], lane["epoch"], lane["active"], lane["full"]),
                {slot["id"]: slot["charge"] for slot in lane["slots"]},
            )
            for lane in self.stage.do(self.stage.world.lanes())
        }

    def modelled(self) -> dict[str, tuple[object, ...]]:
        return {
            lane.id: (
                *(lane.vstart, lane.last_start, lane.estimate, lane.epoch, lane.active, lane.full),
                lane.charges,
            )
            for lane in self.pool
        }


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, quiet: None) -> Iterator[Stage]:
    with Stage.open(mongo_url, mongo_database) as opened:
        yield opened


@pytest.mark.slow
def test_the_model_of_a_pool_and_the_lanes_in_mongodb_stay_equal(stage: Stage, examples: Callable[[int], int]) -> None:
    @settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(STEPS, min_size=20, max_size=60))
    def same(steps: list[Step]) -> None:
        stage.do(stage.world.clear(["lanes"]))
        both = Both(stage)
        for number, step in enumerate(steps):
            both.do(number, step)
            assert both.modelled() == both.stored(), step

    same()
