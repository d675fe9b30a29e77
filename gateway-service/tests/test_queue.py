"""The caller's own queue over HTTP: moving jobs, holding everything, letting it go on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gateway.services.snapshot import FEW_SAMPLES
from reelwork.domain.account import Scope
from testkit.caller import Caller, expect
from testkit.stack import Stack
from testkit.waiting import until


@pytest.fixture
def busy(owner: Caller) -> Iterator[str]:
    """A job that keeps the only worker busy."""
    job_id: str = owner.submit(seconds=60)["id"]
    owner.wait(job_id, "processing")
    yield job_id
    owner.cancel(job_id)
    owner.wait(job_id, "cancelled")


@pytest.fixture
def waiting(owner: Caller, busy: str) -> Iterator[list[str]]:
    """Three jobs behind it."""
    jobs = [owner.submit(seconds=0)["id"] for _ in range(3)]
    yield jobs
    for job in jobs:
        owner.cancel(job)


def patch(owner: Caller, job_id: str, body: dict[str, Any], status: int = 200, **headers: str) -> dict[str, Any]:
    return expect(status, owner.http.patch(f"/v1/jobs/{job_id}", json=body, headers=headers))


def positions(owner: Caller, jobs: list[str]) -> list[int]:
    return [owner.job(job)["queue"]["position"] for job in jobs]


def test_a_waiting_job_knows_its_position_and_can_be_moved(owner: Caller, waiting: list[str]):
    first, second, third = waiting
    assert positions(owner, waiting) == [1, 2, 3]

    moved = patch(owner, third, {"position": "first"})

    assert (moved["queue"]["position"], moved["queue"]["ahead"]) == (1, 0)
    assert positions(owner, waiting) == [2, 3, 1]
    patch(owner, third, {"position": "last"})
    patch(owner, second, {"position": {"before": first}})
    assert positions(owner, waiting) == [2, 1, 3]
    assert patch(owner, third, {"priority": "high"})["priority"] == "high"
    assert positions(owner, waiting) == [3, 2, 1]


def test_labels_and_the_earliest_start_can_be_changed(owner: Caller, waiting: list[str]):
    later = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    elsewhere = later.astimezone(timezone(timedelta(hours=5))).isoformat()

    changed = patch(owner, waiting[0], {"tags": ["a"], "metadata": {"k": "v"}, "not_before": elsewhere})

    assert (changed["tags"], changed["metadata"]) == (["a"], {"k": "v"})
    assert (moment(changed["not_before"]), changed["queue"]["position"]) == (later, None)
    again = patch(owner, waiting[0], {"not_before": None})
    assert (again["not_before"], again["tags"], again["queue"]["position"]) == (None, ["a"], 1)


def test_an_edit_of_another_version_than_the_known_one_is_refused(owner: Caller, waiting: list[str]):
    answer = owner.http.patch(f"/v1/jobs/{waiting[0]}", json={"tags": ["a"]})
    tag = answer.headers["etag"]

    assert expect(200, answer)["version"] == 2
    assert patch(owner, waiting[0], {"tags": ["b"]}, **{"If-Match": f'"other", {tag}'})["tags"] == ["b"]
    for old in (tag, f"W/{tag}", '"nonsense"', ""):
        problem = patch(owner, waiting[0], {"tags": ["c"]}, status=412, **{"If-Match": old})
        assert (problem["code"], problem["hint"]) == ("version_mismatch", "GET it, and send its ETag as If-Match.")
    assert patch(owner, waiting[0], {"tags": ["d"]}, **{"If-Match": "*"})["tags"] == ["d"]


def test_a_job_that_does_not_wait_cannot_be_moved(owner: Caller, busy: str):
    problem = patch(owner, busy, {"position": "first"}, status=409)

    assert problem["code"] == "invalid_state"
    assert patch(owner, busy, {"tags": ["kept"]})["tags"] == ["kept"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"position": "middle"}, "#/position"),
        ({"position": {"before": "job_unknown"}}, "#/position/before"),
        ({"priority": "urgent"}, "#/priority"),
        ({"not_before": "tomorrow"}, "#/not_before"),
        ({"not_before": "2999-01-01T00:00:00Z"}, "#/not_before"),
        ({"order": 1}, "#/order"),
    ],
)
def test_a_bad_edit_names_its_field(owner: Caller, waiting: list[str], body: dict[str, Any], pointer: str):
    problem = patch(owner, waiting[0], body, status=422)

    assert problem["errors"][0]["pointer"].startswith(pointer)


def test_a_held_queue_starts_nothing_until_it_is_resumed(owner: Caller):
    held = expect(200, owner.http.post("/v1/account/queue/pause"))
    job_id = owner.submit()["id"]

    assert (held["paused"], held["starting"]) == (True, 0)
    queue = expect(200, owner.http.get("/v1/account/queue"))
    cpu = next(pool for pool in queue["pools"] if pool["pool"] == "cpu")
    assert (queue["paused"], cpu["paused"], cpu["queued"], cpu["limit"], cpu["weight"]) == (True, True, 1, 100, 10)
    assert cpu["paused_since"]
    until(lambda: owner.job(job_id)["queue"]["reason"] == "queue_paused")
    assert owner.job(job_id)["queue"]["starts_at"] is None

    resumed = expect(200, owner.http.post("/v1/account/queue/resume"))

    assert not resumed["paused"]
    assert owner.wait(job_id)["status"] == "completed"


def test_one_pool_can_be_held_alone_and_a_wrong_one_is_named(owner: Caller):
    held = expect(200, owner.http.post("/v1/account/queue/pause", json={"pool": "gpu"}))
    assert (held["paused"], [pool["pool"] for pool in held["pools"] if pool["paused"]]) == (False, ["gpu"])
    assert owner.wait(owner.submit()["id"])["status"] == "completed"

    expect(200, owner.http.post("/v1/account/queue/resume", json={"pool": "gpu"}))

    problem = expect(422, owner.http.post("/v1/account/queue/pause", json={"pool": "moon"}))
    assert problem["errors"][0]["pointer"] == "#/pool"


def test_somebody_elses_queue_and_jobs_are_out_of_reach(owner: Caller, stranger: Caller, waiting: list[str]):
    assert patch(stranger, waiting[0], {"tags": ["mine"]}, status=404)["code"] == "job_not_found"
    theirs = stranger.submit()["id"]
    assert patch(owner, waiting[0], {"position": {"before": theirs}}, status=422)["errors"][0]["code"] == "not_in_queue"
    expect(200, stranger.http.post("/v1/account/queue/pause"))

    assert not expect(200, owner.http.get("/v1/account/queue"))["paused"]
    expect(200, stranger.http.post("/v1/account/queue/resume"))
    stranger.cancel(theirs)


def test_a_key_needs_the_scope_for_what_it_does_to_the_queue(stack: Stack, owner: Caller):
    reader = stack.caller("owner", scopes=frozenset({Scope.READ}))

    refused = [
        reader.http.post("/v1/account/queue/pause"),
        reader.http.post("/v1/account/queue/resume"),
        reader.http.patch("/v1/jobs/job_x", json={}),
        reader.http.post("/v1/jobs/estimate", json={"model": "testkit/noop"}),
    ]

    assert [expect(403, answer)["code"] for answer in refused] == ["scope_missing"] * 4
    assert reader.http.get("/v1/account/queue").status_code == 200


def test_lists_are_light_and_ended_jobs_do_not_wait(owner: Caller):
    ended = owner.wait(owner.submit()["id"])

    assert ended["queue"] is None
    assert [job["queue"] for job in expect(200, owner.http.get("/v1/jobs"))["items"] if job["queue"]] == []


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_waiting_job_tells_when_it_will_start_by_how_long_such_jobs_took(owner: Caller):
    for _ in range(FEW_SAMPLES):
        owner.wait(owner.submit(seconds=1.5)["id"])
    until(lambda: (estimate(owner, seconds=1.5)["run_seconds"] or {"p50": 0})["p50"] > 1)
    jobs = [owner.submit(seconds=1.5)["id"] for _ in range(5)]
    until(lambda: owner.job(jobs[-1])["queue"]["starts_at"])

    seen = owner.http.get(f"/v1/jobs/{jobs[-1]}")

    job = expect(200, seen)
    queue, now = job["queue"], datetime.now(UTC)
    assert queue["samples"] >= FEW_SAMPLES
    starts, completes = queue["starts_at"], queue["completes_at"]
    assert now + timedelta(seconds=2) < moment(starts["p50"]) <= moment(starts["p90"]) < now + timedelta(seconds=60)
    assert moment(starts["p50"]) < moment(completes["p50"]) <= moment(completes["p90"])
    assert 1000 < job["poll_after_ms"] <= 30_000
    assert abs(int(seen.headers["retry-after"]) * 1000 - job["poll_after_ms"]) <= 1000
    for each in jobs:
        owner.cancel(each)


def estimate(owner: Caller, **values: object) -> dict[str, Any]:
    return expect(200, owner.http.post("/v1/jobs/estimate", json={"model": "testkit/noop", "input": values}))


def test_an_estimate_says_what_a_job_would_meet_and_stores_nothing(owner: Caller, stack: Stack, waiting: list[str]):
    before = stack.stored()

    found = estimate(owner)

    assert (found["model"], found["pool"], found["limits"]) == ("testkit/noop", "cpu", [])
    assert found["cost"] == {"currency": "USD", "estimated": "0.0000"}
    assert found["queue_position"] == 4
    assert not stack.added_since(before)
    high = {"model": "testkit/noop", "priority": "high"}
    assert expect(200, owner.http.post("/v1/jobs/estimate", json=high))["queue_position"] == 1


def test_an_estimate_refuses_what_submit_refuses(owner: Caller):
    for body in ({"model": "no/such"}, {"model": "testkit/noop", "input": {"seconds": -1}}, {"input": {}}):
        submit = owner.http.post("/v1/jobs", json=body)
        estimated = owner.http.post("/v1/jobs/estimate", json=body)

        same = ("status", "code", "detail", "errors")
        assert [estimated.json().get(name) for name in same] == [submit.json().get(name) for name in same]
