"""How many workers would be at work."""

import pytest

from reelwork.domain.scaling import LaneLoad, desired_workers


def lane(queued: int, *, running: int = 0, limit: int | None = 10, paused: bool = False) -> LaneLoad:
    return LaneLoad(queued=queued, running=running, limit=limit, paused=paused)


@pytest.mark.parametrize(
    ("lanes", "running", "workers"),
    [
        ([], 0, 0),
        ([], 1, 1),
        ([lane(3)], 0, 1),
        ([lane(5)], 0, 2),
        ([lane(100)], 0, 3),  # no more than its plan lets run
        ([lane(100, running=8)], 8, 3),
        ([lane(100, running=12)], 12, 3),  # a plan that was lowered
        ([lane(100, limit=None)], 0, 25),
        ([lane(100, paused=True)], 2, 1),
        ([lane(4), lane(4), lane(1)], 3, 3),
    ],
)
def test_there_are_workers_for_what_runs_and_may_run_and_no_more(
    lanes: list[LaneLoad], running: int, workers: int
) -> None:
    assert desired_workers(lanes, running=running, workers=2, places=8, held=False) == workers


def test_nothing_starts_in_a_held_pool_and_what_runs_goes_on():
    assert desired_workers([lane(100)], running=5, workers=1, places=4, held=True) == 2


def test_a_pool_without_workers_counts_with_two_places_each():
    assert desired_workers([lane(5)], running=0, workers=0, places=0, held=False) == 3
