"""Deadlines, run limits, scheduled starts and another go, as callers see them."""

from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack


def at(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def post(caller: Caller, job: Json, **headers: str) -> httpx.Response:
    return caller.http.post("/v1/jobs", json={"model": "testkit/noop"} | job, headers=headers)


def test_a_job_that_does_not_start_in_time_expires(owner: Caller):
    blocker = owner.submit(seconds=60)["id"]
    owner.wait(blocker, "processing")

    job_id = owner.submit(job={"deadline_seconds": 0.2})["id"]
    expired = owner.wait(job_id)
    owner.cancel(blocker)

    assert (expired["status"], expired["is_success"], expired["attempts"]) == ("expired", False, [])
    assert [event["type"] for event in owner.events(job_id)] == ["job.queued", "job.expired"]


def test_a_job_that_still_runs_at_its_deadline_fails(owner: Caller):
    job = owner.submit(seconds=60, job={"deadline_seconds": 1.5})

    ended = owner.wait(job["id"])

    assert (ended["status"], ended["error"]["code"]) == ("failed", "deadline_exceeded")
    assert job["deadline_at"] <= ended["completed_at"]


def test_a_run_that_takes_longer_than_the_job_allows_fails(owner: Caller):
    ended = owner.wait(owner.submit(seconds=60, job={"run_timeout_seconds": 0.2})["id"])

    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", "run_timeout", 1)
    assert ended["attempts"][0]["outcome"] == "failed"


def test_a_job_has_as_many_attempts_as_it_asks_for(owner: Caller):
    ended = owner.wait(owner.submit(fail="retryable", job={"retry": {"max_attempts": 1}})["id"])

    assert (ended["status"], ended["attempt"], ended["max_attempts"]) == ("failed", 1, 1)


def test_a_scheduled_job_waits_and_then_runs(owner: Caller):
    job = owner.submit(job={"not_before": at(seconds=1.5)})

    ended = owner.wait(job["id"])

    assert (job["status"], job["substatus"]) == ("queued", "scheduled")
    assert ended["status"] == "completed"
    assert ended["started_at"] >= job["not_before"]


def test_a_start_in_the_past_is_at_once(owner: Caller):
    job = owner.submit(job={"not_before": "2001-01-01T00:00:00Z"})

    assert job["not_before"] is None
    assert owner.wait(job["id"])["status"] == "completed"


@pytest.mark.parametrize("text", ["2", "2s", "2.0"])
def test_cancel_after_is_another_name_of_the_deadline(owner: Caller, text: str):
    job = expect(202, post(owner, {}, **{"Cancel-After": text}))
    owner.wait(job["id"])

    lasts = datetime.fromisoformat(job["deadline_at"]) - datetime.fromisoformat(job["created_at"])
    assert lasts == timedelta(seconds=2)


def test_cancel_after_knows_hours_and_minutes(owner: Caller):
    job = expect(202, post(owner, {"deadline_seconds": 5415}, **{"Cancel-After": "1h30m15s"}))

    owner.wait(job["id"])


@pytest.mark.parametrize("text", ["", "0", "-1", "soon", "1d", "1s1h", "31d", "721h", "nan", "1e3"])
def test_a_cancel_after_that_is_no_duration_is_refused_by_name(owner: Caller, text: str):
    problem = expect(400, post(owner, {}, **{"Cancel-After": text}))

    assert problem["errors"][0]["pointer"] == "header:cancel-after"


def test_header_and_body_must_not_contradict_each_other(owner: Caller):
    problem = expect(400, post(owner, {"deadline_seconds": 5}, **{"Cancel-After": "6"}))

    assert problem["errors"][0]["pointer"] == "header:cancel-after"


@pytest.mark.parametrize(
    ("job", "pointer"),
    [
        ({"deadline_seconds": 10, "not_before": at(hours=1)}, "#/deadline_seconds"),
        ({"not_before": at(days=400)}, "#/not_before"),
        ({"not_before": "9999-12-31T23:59:59-23:59"}, "#/not_before"),
        ({"not_before": "2030-01-01T00:00:00"}, "#/not_before"),
        ({"not_before": "soon"}, "#/not_before"),
        ({"deadline_seconds": 0}, "#/deadline_seconds"),
        ({"deadline_seconds": 1e9}, "#/deadline_seconds"),
        ({"run_timeout_seconds": -1}, "#/run_timeout_seconds"),
        ({"run_timeout_seconds": 901}, "#/run_timeout_seconds"),
        ({"retry": {"max_attempts": 0}}, "#/retry/max_attempts"),
        ({"retry": {"max_attempts": 11}}, "#/retry/max_attempts"),
    ],
)
def test_times_that_make_no_sense_are_refused_by_name(owner: Caller, job: Json, pointer: str):
    problem = expect(422, post(owner, job))

    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert problem["hint"]


def test_a_failed_job_runs_again_under_its_id(owner: Caller):
    first = owner.wait(owner.submit(fail="fatal")["id"])

    answer = owner.http.post(f"/v1/jobs/{first['id']}/retry")
    second = owner.wait(first["id"])

    again = expect(202, answer)
    assert answer.headers["location"] == f"/v1/jobs/{first['id']}"
    assert (again["status"], again["error"], again["completed_at"], again["max_attempts"]) == ("queued", None, None, 4)
    assert (second["status"], second["attempt"]) == ("failed", 2)
    assert [one["n"] for one in second["attempts"]] == [1, 2]


def test_an_expired_job_may_be_given_a_new_deadline(owner: Caller):
    blocker = owner.submit(seconds=60)["id"]
    owner.wait(blocker, "processing")
    job_id = owner.wait(owner.submit(job={"deadline_seconds": 0.2})["id"])["id"]

    again = expect(202, owner.http.post(f"/v1/jobs/{job_id}/retry", json={"deadline_seconds": 600}))

    owner.cancel(blocker)
    assert again["deadline_at"] > again["queued_at"]
    assert owner.wait(job_id)["status"] == "completed"


def test_what_runs_or_has_succeeded_is_not_retried(owner: Caller, stranger: Caller):
    done = owner.wait(owner.submit()["id"])

    problem = expect(409, owner.http.post(f"/v1/jobs/{done['id']}/retry"))
    foreign = expect(404, stranger.http.post(f"/v1/jobs/{done['id']}/retry"))
    bad = expect(422, owner.http.post(f"/v1/jobs/{done['id']}/retry", json={"deadline": 1}))

    assert problem["code"] == "invalid_state"
    assert foreign["code"] == "job_not_found"
    assert bad["errors"][0]["pointer"] == "#/deadline"
    assert owner.job(done["id"]) == done


def test_a_key_that_may_only_read_retries_nothing(stack: Stack, owner: Caller):
    reader = stack.caller("owner", scopes=frozenset({Scope.READ}))
    job_id = owner.wait(owner.submit(fail="fatal")["id"])["id"]

    assert expect(403, reader.http.post(f"/v1/jobs/{job_id}/retry"))["code"] == "scope_missing"
