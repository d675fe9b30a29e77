"""A pool as arithmetic: who is next, and when a backlog would be started."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.ids import LaneId
from reelwork.domain.lane import BATCH_SECONDS
from reelwork.domain.schedule import LAG_SECONDS, Lane, Pool, Running, learned, lifted, places, simulate

HEAVY, MIDDLE, LIGHT = LaneId("cpu:heavy"), LaneId("cpu:middle"), LaneId("cpu:light")


def three() -> Pool:
    pool = Pool()
    for lane, weight in ((HEAVY, 10), (MIDDLE, 5), (LIGHT, 1)):
        pool.open(lane, weight=weight, limit=100)
    return pool


def test_a_backlog_is_started_ten_to_five_to_one() -> None:
    waiting = {lane: [1.0] * 2000 for lane in (HEAVY, MIDDLE, LIGHT)}

    started = Counter(start.lane for start in islice(simulate(three(), waiting, workers=4), 1600))

    assert started[HEAVY] == pytest.approx(1000, abs=4)
    assert started[MIDDLE] == pytest.approx(500, abs=4)
    assert started[LIGHT] == pytest.approx(100, abs=4)


def test_every_job_of_a_backlog_starts_once_in_the_order_of_its_queue() -> None:
    waiting = {HEAVY: [2.0, 1.0, 3.0], LIGHT: [5.0]}

    starts = list(simulate(three(), waiting, workers=2))

    assert sorted((start.lane, start.number) for start in starts) == [(HEAVY, 0), (HEAVY, 1), (HEAVY, 2), (LIGHT, 0)]
    assert [start.number for start in starts if start.lane == HEAVY] == [0, 1, 2]
    assert [start.at for start in starts] == sorted(start.at for start in starts)


def test_jobs_that_run_keep_their_worker_and_their_place_until_they_end() -> None:
    lane = Lane(id=HEAVY, weight=1, limit=1, active=True, charges={"slot": 1.0})

    starts = list(
        simulate(
            Pool([lane]),
            {HEAVY: [1.0, 1.0]},
            workers=8,
            running=[Running(lane=HEAVY, slot="slot", seconds=60.0, ends=40.0)],
        )
    )

    assert [start.at for start in starts] == [40.0, 41.0]


def test_a_lane_that_is_paused_is_never_started_and_holds_up_nobody() -> None:
    pool = three()
    pool.pause(HEAVY, paused=True)

    starts = list(simulate(pool, {HEAVY: [1.0], LIGHT: [1.0]}, workers=1))

    assert [start.lane for start in starts] == [LIGHT]


def test_idle_time_is_not_saved_up() -> None:
    pool = three()
    for number in range(100):
        reservation = pool.reserve(str(number))
        assert reservation is not None
        if reservation.lane == LIGHT:
            pool.give_back(reservation, reservation.slots, emptied=True)

    pool.open(LIGHT, weight=1, limit=100)

    assert pool[LIGHT].vstart == min(pool[HEAVY].vstart, pool[MIDDLE].vstart)


@given(estimate=st.floats(0, 1e6), most=st.integers(1, 16), room=st.integers(1, 100))
def test_a_claim_takes_what_fits_into_a_batch_and_into_the_limit(estimate: float, most: int, room: int) -> None:
    count = places(estimate=estimate, most=most, room=room)

    assert 1 <= count <= min(most, room)
    assert count == 1 or count * estimate <= BATCH_SECONDS


@given(lengths=st.lists(st.floats(0, 1000), min_size=1, max_size=30), first=st.floats(0, 1000))
def test_an_estimate_stays_within_what_was_seen(lengths: list[float], first: float) -> None:
    estimate = first
    for seconds in lengths:
        estimate = learned(estimate, seconds=seconds, jobs=1)

    low, high = min([first, *lengths]), max([first, *lengths])
    assert low - 1e-6 <= estimate <= high + 1e-6


def test_a_pool_stays_small_however_long_it_runs() -> None:
    pool = three()
    for number in range(20_000):
        reservation = pool.reserve(str(number))
        assert reservation is not None
        pool.release(reservation.lane, reservation.slots, seconds=0.5)

    assert pool.entries() < 200


STARTS = st.dictionaries(st.sampled_from([HEAVY, MIDDLE, LIGHT]), st.floats(0.0, 1e6), min_size=1)


@given(STARTS, st.floats(0.0, 1e6))
def test_lanes_that_were_passed_over_come_up_to_the_one_that_was_served_and_keep_their_order(
    starts: dict[LaneId, float], served: float
) -> None:
    after = starts | lifted(starts, served=served)

    assert min(after.values()) >= min(served - LAG_SECONDS, *starts.values())
    assert min(after.values()) < served or after == starts, "it is next for whoever can run it"
    assert all(after[lane] >= starts[lane] for lane in starts), "nobody is given anything"
    moved = [after[lane] - starts[lane] for lane in starts]
    assert moved == pytest.approx([moved[0]] * len(moved), abs=1e-6)


def test_a_lane_that_may_not_be_served_is_not_taken_along() -> None:
    pool = three()
    pool.pause(LIGHT, paused=True)

    pool.lift([HEAVY, LIGHT], served=100.0)

    assert pool[LIGHT].vstart == 0.0
    assert pool[HEAVY].vstart == pytest.approx(100.0)
    assert pool.virtual_time() == 0.0, "nobody has passed over the third one"
