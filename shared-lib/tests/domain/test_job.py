"""The state table, and what is drawn from a job's id."""

from collections.abc import Iterator

import pytest

from reelwork.domain.ids import new_job_id
from reelwork.domain.job import RUNNING, TERMINAL, TRANSITIONS, Priority, Status, draw_seed, sources_of

# As the published API documents it, written down a second time: a change of the table is a change of the API.
EDGES = {
    ("pending", "queued"),
    ("pending", "cancelled"),
    ("pending", "expired"),
    ("pending", "failed"),
    ("queued", "processing"),
    ("queued", "cancelled"),
    ("queued", "expired"),
    ("processing", "completed"),
    ("queued", "failed"),
    ("processing", "failed"),
    ("processing", "cancelling"),
    ("processing", "queued"),
    ("cancelling", "cancelled"),
    ("cancelling", "completed"),
    ("cancelling", "failed"),
    ("failed", "queued"),
    ("cancelled", "queued"),
    ("expired", "queued"),
}


@pytest.mark.parametrize("source", list(Status))
@pytest.mark.parametrize("target", list(Status))
def test_a_job_moves_along_the_documented_edges_only(source: Status, target: Status) -> None:
    allowed = (source.value, target.value) in EDGES

    assert (target in TRANSITIONS[source]) == allowed
    assert (source in sources_of(target)) == allowed


def test_what_succeeded_never_changes_and_what_did_not_is_only_ever_queued_again() -> None:
    assert {status for status in Status if status.is_terminal} == TERMINAL
    assert TRANSITIONS[Status.COMPLETED] == set()
    assert {target for status in TERMINAL for target in TRANSITIONS[status]} == {Status.QUEUED}


def test_every_job_can_still_end() -> None:
    for status in Status:
        assert TERMINAL & set(reachable(status))


def reachable(status: Status) -> Iterator[Status]:
    found, fresh = {status}, {status}
    while fresh:
        fresh = {after for before in fresh for after in TRANSITIONS[before]} - found
        found |= fresh
    return iter(found)


def test_a_running_job_is_reached_only_by_being_taken() -> None:
    assert {source for status in RUNNING for source in sources_of(status)} == {Status.QUEUED, Status.PROCESSING}


def test_priorities_are_in_their_order() -> None:
    assert Priority.LOW < Priority.NORMAL < Priority.HIGH


def test_a_seed_is_the_same_for_every_attempt_and_fits_in_32_bits() -> None:
    jobs = [new_job_id() for _ in range(200)]

    seeds = [draw_seed(job) for job in jobs]

    assert seeds == [draw_seed(job) for job in jobs]
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert len(set(seeds)) > 190
