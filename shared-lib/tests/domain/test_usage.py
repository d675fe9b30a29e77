"""What a job's history counts for, whenever it is read."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import AccountId, JobId, KeyId
from reelwork.domain.job import Attempt, Bill, BillState, Event, Status
from reelwork.domain.usage import History, Metric, harvest

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
Told = tuple[str, Status, int]  # type, status afterwards, attempt

QUEUED: Told = ("job.queued", Status.QUEUED, 0)
PENDING: Told = ("job.pending", Status.PENDING, 0)
STARTED: Told = ("job.processing", Status.PROCESSING, 1)
RETRYING: Told = ("job.retrying", Status.QUEUED, 1)
HANDED_BACK: Told = ("job.queued", Status.QUEUED, 0)
COMPLETED: Told = ("job.completed", Status.COMPLETED, 1)
FAILED: Told = ("job.failed", Status.FAILED, 1)
CANCELLED: Told = ("job.cancelled", Status.CANCELLED, 0)
EXPIRED: Told = ("job.expired", Status.EXPIRED, 0)
RETRIED: Told = ("job.retried", Status.QUEUED, 1)
ANSWERED: Told = ("job.completed", Status.COMPLETED, 0)


def history(*told: Told, **fields: object) -> History:
    """One event each minute, from a minute before midnight on."""
    events = tuple(
        Event(seq=n, at=MIDNIGHT + timedelta(minutes=n - 2), type=kind, status=status, attempt=attempt)
        for n, (kind, status, attempt) in enumerate(told, start=1)
    )
    return History(id=JobId("job_a"), account_id=AccountId("acct_a"), events=events, **fields)  # type: ignore[arg-type]


def attempt(n: int, seconds: float | None) -> Attempt:
    ended = MIDNIGHT + timedelta(seconds=seconds) if seconds is not None else None
    return Attempt(n=n, worker="w", slot=f"s{n}", started_at=MIDNIGHT, ended_at=ended)


def bill(state: BillState, charged: int | None = None) -> Bill:
    day, key = "2026-11-20", KeyId("key_a")
    return Bill(round=1, hold="h", amount=4000, units=1, day=day, key_id=key, state=state, charged=charged)


def counted(of: History) -> dict[str, int]:
    sums: dict[str, int] = {}
    for event in harvest(of).events:
        for metric, count in event.counts.items():
            sums[metric.value] = sums.get(metric.value, 0) + count
    return sums


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ([QUEUED], {"jobs_submitted": 1}),
        ([QUEUED, STARTED, COMPLETED], {"jobs_submitted": 1, "jobs_completed": 1}),
        ([QUEUED, STARTED, RETRYING, STARTED, FAILED], {"jobs_submitted": 1, "jobs_failed": 1}),
        ([QUEUED, STARTED, HANDED_BACK, CANCELLED], {"jobs_submitted": 1, "jobs_cancelled": 1}),
        ([QUEUED, EXPIRED], {"jobs_submitted": 1, "jobs_expired": 1}),
        (
            [QUEUED, STARTED, FAILED, RETRIED, STARTED, COMPLETED],
            {"jobs_submitted": 2, "jobs_failed": 1, "jobs_completed": 1},
        ),
        ([ANSWERED], {"jobs_submitted": 1, "jobs_completed": 1}),
        ([PENDING], {}),
        ([PENDING, QUEUED], {"jobs_submitted": 1}),
        ([PENDING, CANCELLED], {}),
        ([PENDING, CANCELLED, RETRIED], {"jobs_submitted": 1}),
    ],
)
def test_each_round_is_submitted_once_and_ends_once(told: list[Told], counts: dict[str, int]) -> None:
    assert counted(history(*told)) == counts


@pytest.mark.parametrize(
    "told", [[QUEUED, STARTED, FAILED, RETRIED, STARTED, COMPLETED], [PENDING, CANCELLED, RETRIED, EXPIRED]]
)
def test_a_history_read_in_parts_tells_the_same_as_one_read_whole(told: list[Told]) -> None:
    whole = [(event.id, event.counts) for event in harvest(history(*told)).events]

    parts, upto = [], 0
    for length in range(1, len(told) + 1):
        part = harvest(history(*told[:length], counted=upto))
        parts += [(event.id, event.counts) for event in part.events]
        upto = part.upto

    assert (parts, upto) == (whole, len(told))


def test_an_event_counts_for_the_day_on_which_it_was() -> None:
    days = [event.day for event in harvest(history(QUEUED, STARTED, COMPLETED)).events]

    assert days == ["2026-11-20", "2026-11-21"]


def test_an_ending_tells_how_long_its_own_round_ran() -> None:
    ended = history(
        *(QUEUED, STARTED, FAILED, RETRIED, ("job.processing", Status.PROCESSING, 2), ("job.failed", Status.FAILED, 2)),
        attempts=(attempt(1, 3), attempt(2, 0.5)),
    )

    runs = [event.counts.get(Metric.RUN_MILLISECONDS) for event in harvest(ended).events]

    assert runs == [None, 3000, None, 500]


def test_a_run_that_has_not_ended_is_not_counted() -> None:
    assert Metric.RUN_MILLISECONDS not in counted(history(QUEUED, STARTED, FAILED, attempts=(attempt(1, None),)))


@pytest.mark.parametrize("state", [BillState.HELD, BillState.CHARGE])
def test_a_completed_job_waits_until_it_is_known_what_it_cost(state: BillState) -> None:
    early = harvest(history(QUEUED, STARTED, COMPLETED, bill=bill(state)))
    settled = history(QUEUED, STARTED, COMPLETED, bill=bill(BillState.SETTLED, 4000), output_bytes=64, counted=2)

    assert (early.upto, [event.id for event in early.events]) == (2, ["job_a.1"])
    assert counted(settled) == {"jobs_completed": 1, "output_bytes": 64, "amount_charged": 4000}


def test_what_failed_waits_for_no_bill_and_costs_nothing() -> None:
    assert counted(history(QUEUED, STARTED, FAILED, bill=bill(BillState.RELEASE), counted=2)) == {"jobs_failed": 1}
