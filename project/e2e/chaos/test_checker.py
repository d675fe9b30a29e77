"""The checker has teeth: every way in which a promise can be broken is told, under the name of that promise."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chaos.checker import CHECKS, check, most_running
from chaos.history import Cancel, Change, History, Run
from chaos.plan import Fate
from e2e.chaos.histories import (
    CREDIT,
    DAY,
    KEY,
    LANE,
    allotment,
    attempt,
    changes_of,
    entry,
    good,
    job,
    ledger_of,
    submission,
)

BOOKS = "books that do not add up, or that are not settled"


def broken(history: History) -> set[str]:
    return {finding.promise for finding in check(history) if finding.violations}


def test_a_good_history_breaks_no_promise() -> None:
    assert broken(good()) == set()


def without(history: History, name: str) -> None:
    history.jobs = [each for each in history.jobs if each["_id"] != name]
    history.changes = [change for change in history.changes if change.job != name]


def instead(history: History, *way: str, **fields: object) -> None:
    """Let the job `done` have gone another way; the change stream agrees with it."""
    others = [each for each in history.jobs if each["_id"] != "done"]
    history.jobs = [*others, job("done", *way, **fields)]
    history.changes = changes_of(list(history.jobs))


def loses_an_accepted_job(history: History) -> None:
    without(history, "bad")


def never_accepts_a_job(history: History) -> None:
    history.submissions[3].accepted.clear()


def makes_two_jobs_of_one_key(history: History) -> None:
    twin = job("twin", "queued", "processing", "failed", attempts=(attempt(1, "failed", "generation_failed"),))
    history.jobs = [*history.jobs, twin | {"tags": ["chaos:bad"]}]
    history.changes = changes_of(list(history.jobs))


def answers_500(history: History) -> None:
    history.submissions[0].refused[500] += 1


def leaves_a_job_running(history: History) -> None:
    instead(history, "queued", "processing", lease={"slot": "slot-1"}, attempts=(attempt(1, "running"),))


def completes_a_job_twice(history: History) -> None:
    history.changes = [*history.changes, Change(job="done", status="completed")]


def completes_a_cancelled_job(history: History) -> None:
    history.changes = [*history.changes, Change(job="stopped", status="completed")]


def deletes_a_job(history: History) -> None:
    history.changes = [*history.changes, Change(job="bad", status="deleted")]


def tells_less_than_happened(history: History) -> None:
    history.jobs[0]["events"].pop(1)


def completes_what_had_to_fail(history: History) -> None:
    history.submissions[0] = submission("done", Fate.FAIL)  # type: ignore[index]


def gives_poison_up_too_soon(history: History) -> None:
    history.jobs[2]["attempts"].pop()
    history.jobs[2]["attempt"] = 2


def cancels_unasked(history: History) -> None:
    history.cancels = []


def fails_a_job_when_s3_is_away(history: History) -> None:
    failures = tuple(attempt(n, "failed", "storage_unavailable") for n in (1, 2, 3))
    retried = ("queued", *("processing", "queued") * 2, "processing", "failed")
    instead(history, *retried, attempts=failures)
    history.assets, history.objects = [], frozenset()


def runs_a_cancelled_job(history: History) -> None:
    history.runs = [*history.runs, Run(job="stopped", at=2.0)]


def forgets_a_cancel(history: History) -> None:
    history.cancels = [*history.cancels, Cancel(job="done", status="cancelling", attempt=2, answered_at=1.0)]


def keeps_outputs_of_a_lost_attempt(history: History) -> None:
    history.assets[0]["attempt"] = 1


def keeps_a_second_set_of_outputs(history: History) -> None:
    other = history.assets[0] | {"_id": "asset_0", "key": KEY + "0", "attempt": 1}
    history.assets, history.objects = [*history.assets, other], history.objects | {KEY + "0"}


def forgets_an_object(history: History) -> None:
    history.objects = history.objects | {"accounts/acct_1/jobs/done/1-bbbb/asset_0.txt"}


def loses_an_object(history: History) -> None:
    history.objects = frozenset()


def leaves_an_asset_undecided(history: History) -> None:
    staged = {"_id": "asset_0", "job_id": "done", "attempt": 1, "state": "staged", "key": "k"}
    history.assets = [*history.assets, staged]


def leaves_a_place_taken(history: History) -> None:
    history.lanes[0]["slots"].append({"id": "slot-1"})


def lets_an_account_take_too_many_places(history: History) -> None:
    history.most_slots = {LANE: 3}


def lets_an_account_run_too_many_jobs(history: History) -> None:
    history.limits = {LANE: 1}
    claims = [Change(job=name, status="processing", attempt=1) for name in ("done", "bad")]
    history.changes = [*claims, *history.changes]


def tries_too_often(history: History) -> None:
    history.jobs[0]["max_attempts"] = 1


def charges_twice(history: History) -> None:
    history.ledger = [*history.ledger, entry("charge", "done") | {"_id": "done.again"}]


def overdraws_an_account(history: History) -> None:
    history.balances[0]["available"] = -1


def leaves_a_reservation(history: History) -> None:
    history.ledger = [each for each in history.ledger if each["_id"] != "bad.release"]


def gives_a_completed_job_back(history: History) -> None:
    history.jobs[0]["bill"]["charged"] = 0


def gives_a_place_back_that_was_taken(history: History) -> None:
    history.jobs[0]["bill"]["place"] = "aside.0"
    history.ledger = [*history.ledger, *allotment(0)]


def gives_a_place_to_two_jobs(history: History) -> None:
    for each in history.jobs[:2]:
        each["bill"]["place"] = "aside.0"


def counts_a_job_that_was_cancelled(history: History) -> None:
    history.ledger = [*history.ledger, *allotment()]
    history.balances[0]["days"] = {DAY: 2}


def accepts_a_job_for_nothing(history: History) -> None:
    history.jobs[0]["bill"] = None


@pytest.mark.parametrize(
    ("violate", "promise"),
    [
        (loses_an_accepted_job, "jobs lost, or never accepted"),
        (never_accepts_a_job, "jobs lost, or never accepted"),
        (makes_two_jobs_of_one_key, "jobs doubled for one idempotency key"),
        (answers_500, "answers that should not be (500, 4xx)"),
        (leaves_a_job_running, "jobs that have not ended"),
        (completes_a_job_twice, "jobs that ended more than once"),
        (completes_a_cancelled_job, "jobs that ended more than once"),
        (completes_a_cancelled_job, "changes of status against the table, or untold"),
        (deletes_a_job, "changes of status against the table, or untold"),
        (tells_less_than_happened, "changes of status against the table, or untold"),
        (completes_what_had_to_fail, "jobs that ended otherwise than they must"),
        (gives_poison_up_too_soon, "jobs that ended otherwise than they must"),
        (cancels_unasked, "jobs that ended otherwise than they must"),
        (fails_a_job_when_s3_is_away, "jobs failed for a fault of ours"),
        (runs_a_cancelled_job, "jobs cancelled before their start that ran"),
        (forgets_a_cancel, "cancels answered and not kept"),
        (keeps_outputs_of_a_lost_attempt, "outputs doubled, missing, or of a lost attempt"),
        (keeps_a_second_set_of_outputs, "outputs doubled, missing, or of a lost attempt"),
        (forgets_an_object, "objects and ready assets that do not match"),
        (loses_an_object, "objects and ready assets that do not match"),
        (leaves_an_asset_undecided, "objects and ready assets that do not match"),
        (leaves_a_place_taken, "places left in lanes"),
        (lets_an_account_take_too_many_places, "accounts above their limit"),
        (lets_an_account_run_too_many_jobs, "accounts above their limit"),
        (tries_too_often, "attempts miscounted"),
        (charges_twice, BOOKS),
        (overdraws_an_account, BOOKS),
        (leaves_a_reservation, BOOKS),
        (gives_a_completed_job_back, BOOKS),
        (accepts_a_job_for_nothing, BOOKS),
        (gives_a_place_back_that_was_taken, BOOKS),
        (gives_a_place_to_two_jobs, BOOKS),
        (counts_a_job_that_was_cancelled, BOOKS),
    ],
)
def test_a_broken_promise_is_told(violate: Callable[[History], None], promise: str) -> None:
    history = good()

    violate(history)

    assert promise in broken(history)


def test_every_promise_is_broken_by_some_test() -> None:
    marks = [mark for mark in test_a_broken_promise_is_told.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]

    assert {promise for _, promise in marks[0].args[1]} == set(CHECKS)


def test_a_job_that_was_handed_back_unrun_counts_for_no_limit() -> None:
    back = [Change(job="done", status="processing", attempt=1), Change(job="done", status="queued", attempt=0)]
    history = replace(good(), changes=[Change(job="bad", status="processing", attempt=1), *back])

    assert most_running(history) == {LANE: 1}


def test_a_job_whose_workers_were_all_killed_is_given_up_as_promised() -> None:
    history = good()
    lost = tuple(attempt(n, "lost", "worker_lost") for n in (1, 2, 3))

    instead(history, "queued", *("processing", "queued") * 2, "processing", "failed", attempts=lost)
    history.assets, history.objects = [], frozenset()
    history.ledger = ledger_of(list(history.jobs))
    none = {"available": CREDIT, "spent": 0, "days": {DAY: 0}, "keys": {"key_1": 0}}
    history.balances = [history.balances[0] | none]

    assert broken(history) == set()


def test_without_idempotency_keys_a_second_job_is_no_violation() -> None:
    history = replace(good(), once=False)

    makes_two_jobs_of_one_key(history)
    history.ledger = ledger_of(list(history.jobs))

    assert broken(history) == set()
