"""POST /v1/jobs, GET, cancel and DELETE: one job from its submission to its end."""

import re

import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from testkit.caller import Caller, expect
from testkit.stack import Stack
from testkit.waiting import until


def test_a_submitted_job_is_accepted_with_its_address_and_all_that_was_said_about_it(owner: Caller):
    labels = {"tags": ["campaign:autumn"], "metadata": {"order": "42"}, "priority": "high"}

    answer = owner.http.post("/v1/jobs", json={"model": "testkit/noop", "input": {"seed": 7}, **labels})

    job = expect(202, answer)
    assert answer.headers["location"] == job["urls"]["self"] == f"/v1/jobs/{job['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert re.fullmatch(r"job_[0-9a-z]{26}", job["id"])
    assert {name: job[name] for name in labels} == labels
    assert (job["model"], job["model_version"], job["input"], job["seed"]) == ("testkit/noop", "1", {"seed": 7}, 7)
    assert (job["status"], job["is_terminal"], job["is_success"], job["attempt"]) == ("queued", False, None, 0)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", job["created_at"])


def test_a_job_runs_and_its_output_can_be_fetched(owner: Caller):
    job = owner.wait(owner.submit(size_bytes=1000, seed=1)["id"])

    assert (job["status"], job["is_success"], job["progress"], job["attempt"]) == ("completed", True, 1.0, 1)
    assert job["error"] is None
    assert job["poll_after_ms"] == 0
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["completed"]
    (output,) = job["outputs"]
    assert (output["content_type"], output["bytes"], output["name"]) == ("text/plain", 1000, "noop.txt")
    assert output["meta"] == {"seed": 1}
    assert len(owner.content(output["asset_id"])) == 1000


def test_an_empty_input_means_the_models_defaults(owner: Caller):
    job = expect(202, owner.http.post("/v1/jobs", json={"model": "testkit/noop"}))

    assert owner.wait(job["id"])["status"] == "completed"


def test_a_whole_number_written_with_a_point_is_that_number(owner: Caller):
    asked = {"model": "testkit/noop", "input": {"seed": 7.0, "size_bytes": 1e2}}

    job = expect(202, owner.http.post("/v1/jobs", json=asked))

    ended = owner.wait(job["id"])
    assert (ended["status"], ended["seed"]) == ("completed", 7)
    assert ended["outputs"][0]["bytes"] == 100


@pytest.mark.parametrize(
    ("how", "code", "retryable"),
    [("invalid", "invalid_input", False), ("fatal", "generation_failed", False)],
)
def test_a_job_that_cannot_succeed_fails_with_a_reason_and_is_not_retried(
    owner: Caller, how: str, code: str, retryable: bool
):
    job = owner.wait(owner.submit(fail=how)["id"])

    assert (job["status"], job["is_success"], job["attempt"]) == ("failed", False, 1)
    assert (job["error"]["code"], job["error"]["retryable"]) == (code, retryable)
    assert "The test asked for" in job["error"]["message"]
    assert job["outputs"] == []


def test_a_failure_that_may_pass_is_tried_again_later(owner: Caller):
    job = owner.wait(owner.submit(fail="retryable")["id"], "queued", "failed")
    while job["attempt"] == 0:
        job = owner.job(job["id"])

    waiting = owner.wait(job["id"], "queued")
    owner.cancel(job["id"])

    assert waiting["error"]["retryable"] is True
    assert waiting["not_before"] is not None
    assert waiting["substatus"] == "waiting_for_retry"


def test_a_fault_in_a_models_code_is_never_shown_to_the_caller(owner: Caller):
    job_id = owner.submit(fail="bug")["id"]
    job = owner.job(job_id)
    while job["error"] is None:
        job = owner.job(job_id)
    owner.cancel(job_id)

    assert job["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" not in str(job)
    assert "fault in the model's code" not in str(job)


def test_a_running_job_tells_its_progress(owner: Caller):
    job_id = owner.submit(seconds=60)["id"]
    job = owner.wait(job_id, "processing")
    while not job["progress"]:
        job = owner.job(job_id)
    owner.cancel(job_id)

    assert 0 < job["progress"] < 1
    assert job["progress_detail"]["steps"] == 3000
    assert job["progress_detail"]["message"].startswith("Doing nothing")
    assert job["poll_after_ms"] == 1000


def test_a_running_job_that_is_cancelled_stops_and_has_no_outputs(owner: Caller):
    job_id = owner.submit(seconds=60)["id"]
    owner.wait(job_id, "processing")

    first = owner.cancel(job_id)
    again = owner.cancel(job_id)

    assert first["status"] == "cancelling"
    assert again["status"] in {"cancelling", "cancelled"}
    ended = owner.wait(job_id)
    assert (ended["status"], ended["outputs"], ended["is_success"]) == ("cancelled", [], False)
    assert ended["cancel"]["by"] == "owner"
    assert ended["cancel"]["confirmed_at"] >= ended["cancel"]["requested_at"]


def test_a_waiting_job_that_is_cancelled_never_runs(owner: Caller, stranger: Caller, stack: Stack):
    blocker = _blocker(owner)
    job_id = owner.submit(seconds=0)["id"]

    cancelled = owner.cancel(job_id)

    assert cancelled["status"] == "cancelled"
    owner.cancel(blocker)
    owner.wait(blocker)
    later = owner.wait(owner.submit()["id"])  # had it been left in the queue, it would have come first
    assert later["status"] == "completed"
    assert (owner.job(job_id)["status"], owner.job(job_id)["attempts"]) == ("cancelled", [])


def test_deleting_a_job_cancels_it_and_erases_nothing(owner: Caller):
    blocker = _blocker(owner)
    job_id = owner.submit()["id"]

    deleted = expect(200, owner.http.delete(f"/v1/jobs/{job_id}"))

    owner.cancel(blocker)
    assert deleted["status"] == "cancelled"
    assert owner.job(job_id)["id"] == job_id


def test_cancelling_a_job_that_has_ended_changes_nothing(owner: Caller):
    ended = owner.wait(owner.submit()["id"])

    assert owner.cancel(ended["id"]) == ended
    assert expect(200, owner.http.delete(f"/v1/jobs/{ended['id']}")) == ended


def test_an_account_without_a_plan_for_jobs_is_told_so_and_nothing_is_stored(stack: Stack):
    free = stack.caller("free", tier=Tier.FREE)
    before = stack.stored()

    problem = expect(403, free.http.post("/v1/jobs", json={"model": "testkit/noop"}))

    assert problem["code"] == "insufficient_tier"
    assert problem["hint"]
    assert not stack.added_since(before)


def test_a_key_may_do_only_what_its_scopes_say(stack: Stack, owner: Caller):
    job_id = owner.wait(owner.submit()["id"])["id"]
    reader = stack.caller("owner", scopes=frozenset({Scope.READ}))
    writer = stack.caller("owner", scopes=frozenset({Scope.SUBMIT}))

    refused = [
        reader.http.post("/v1/jobs", json={"model": "testkit/noop"}),
        reader.http.post("/v1/assets", files={"file": b"x"}),
        reader.http.post("/api/v1/task", files={"file": b"x"}),
        reader.http.post(f"/v1/jobs/{job_id}/cancel"),
        reader.http.delete(f"/v1/jobs/{job_id}"),
        writer.http.get(f"/v1/jobs/{job_id}"),
        writer.http.get("/v1/models"),
    ]

    assert [expect(403, answer)["code"] for answer in refused] == ["scope_missing"] * len(refused)
    assert reader.job(job_id)["id"] == job_id
    assert owner.wait(writer.submit()["id"])["status"] == "completed"


def _blocker(owner: Caller) -> str:
    """A job that keeps the only worker busy."""
    job_id: str = owner.submit(seconds=60)["id"]
    owner.wait(job_id, "processing")
    return job_id


def test_an_output_is_an_input_as_soon_as_its_job_is_completed(owner: Caller, stack: Stack):
    painted = owner.wait(owner.submit("builtin/landscape", prompt="A lake")["id"])["outputs"][0]["asset_id"]
    with stack.documents() as database:  # as if its worker had not come to it yet
        until(lambda: database["assets"].find_one({"_id": painted, "state": "ready"}))
        database["assets"].update_one({"_id": painted}, {"$set": {"state": "staged"}})

    film = owner.submit("builtin/camera-move", image=painted, duration_seconds=1, resolution="480p", fps=24)

    assert owner.wait(film["id"])["status"] == "completed"
