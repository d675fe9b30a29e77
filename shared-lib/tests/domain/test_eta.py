"""Estimates of when jobs start: the scheduler's rules, played over a backlog."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelwork.domain.eta import MOST_STARTS, Under, Waiting, foresee, quantiles, size_class
from reelwork.domain.ids import LaneId


def lane(
    name: str,
    *,
    queued: int,
    lengths: Sequence[float] = (10.0,),
    weight: int = 1,
    limit: int = 100,
    vstart: float = 0.0,
    paused: bool = False,
    running: Sequence[Under] = (),
) -> Waiting:
    return Waiting(
        id=LaneId(name),
        weight=weight,
        limit=limit,
        vstart=vstart,
        last_start=0.0,
        estimate=sum(lengths) / len(lengths),
        paused=paused,
        queued=queued,
        lengths=lengths,
        running=running,
    )


def medians(lanes: Sequence[Waiting], name: str, *, workers: int = 1) -> list[float]:
    return [span.p50 for span in foresee(lanes, workers=workers)[LaneId(name)]]


def test_jobs_of_one_lane_start_one_after_the_other_on_one_worker_and_in_pairs_on_two() -> None:
    queue = [lane("a", queued=4)]

    assert medians(queue, "a") == [0, 10, 20, 30]
    assert medians(queue, "a", workers=2) == [0, 0, 10, 10]


def test_a_lane_starts_no_more_jobs_at_once_than_its_limit() -> None:
    assert medians([lane("a", queued=3, limit=1)], "a", workers=3) == [0, 10, 20]


def test_a_lane_of_twice_the_weight_gets_twice_the_share() -> None:
    starts = foresee([lane("light", queued=9), lane("heavy", queued=9, weight=2)], workers=1)

    by = 90
    counts = {name: sum(span.p50 < by for span in starts[LaneId(name)]) for name in ("light", "heavy")}
    assert counts == {"light": 3, "heavy": 6}


def test_what_runs_already_is_waited_for_as_long_as_such_jobs_take() -> None:
    job = Under(slot="s", charge=10.0, elapsed=4.0, lengths=[3.0, 10.0])

    assert medians([lane("a", queued=1, running=[job])], "a") == [6]


def test_a_run_longer_than_any_known_is_expected_to_go_on_a_while() -> None:
    job = Under(slot="s", charge=10.0, elapsed=20.0, lengths=[10.0])

    assert medians([lane("a", queued=1, running=[job])], "a") == [10]


def test_nothing_is_said_about_a_lane_that_is_held_and_it_delays_nobody() -> None:
    starts = foresee([lane("held", queued=3, paused=True), lane("other", queued=2)], workers=1)

    assert starts[LaneId("held")] == []
    assert [span.p50 for span in starts[LaneId("other")]] == [0, 10]


def test_nothing_is_said_about_jobs_further_back_than_can_be_foreseen() -> None:
    starts = foresee([lane("a", queued=50_000)], workers=4)

    assert len(starts[LaneId("a")]) == MOST_STARTS


def test_different_lengths_make_an_estimate_vague_and_equal_ones_exact() -> None:
    exact = foresee([lane("a", queued=20)], workers=1)[LaneId("a")][-1]
    vague = foresee([lane("a", queued=20, lengths=[1.0, 30.0])], workers=1)[LaneId("a")][-1]

    assert exact.p50 == exact.p90
    assert vague.p90 > vague.p50


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), st.integers(1, 5)), max_size=8), st.integers(1, 6))
def test_every_waiting_job_gets_its_start_in_the_order_of_its_queue(shape, workers) -> None:
    lanes = [
        lane(f"lane-{number}", queued=queued, weight=weight, limit=limit, lengths=[1.0, 2.0, 9.0])
        for number, (queued, weight, limit) in enumerate(shape)
    ]

    starts = foresee(lanes, workers=workers)

    for each in lanes:
        found = starts[each.id]
        assert len(found) == each.queued
        assert all(0 <= span.p50 <= span.p90 for span in found)
        assert [span.p50 for span in found] == sorted(span.p50 for span in found)
        assert foresee(lanes, workers=workers)[each.id] == found, "the same backlog, the same answer"


def test_quantiles_are_values_that_occurred() -> None:
    assert quantiles([]) is None
    found = quantiles([5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0])

    assert found is not None
    assert (found.p50, found.p90, found.samples) == (5.0, 9.0, 10)


@pytest.mark.parametrize(
    ("smaller", "larger", "steps"),
    [
        ({"duration_seconds": 5}, {"duration_seconds": 10}, 1),
        ({"width": 512, "height": 512}, {"width": 1024, "height": 1024}, 2),
        ({"width": 512, "seed": 1}, {"width": 512, "seed": 4_000_000_000}, 0),
        ({"prompt": "a", "loop": True, "seconds": 0}, {"prompt": "b"}, 0),
    ],
)
def test_twice_the_size_is_one_class_up_and_words_and_seeds_are_no_size(smaller, larger, steps) -> None:
    assert size_class(larger) - size_class(smaller) == steps


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text()))
def test_there_are_few_classes_whatever_the_input(values) -> None:
    assert -10 <= size_class(values) <= 60
