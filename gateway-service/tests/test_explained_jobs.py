"""What a whole Reelwork says why a job waits; `test_explain.py` brings about each reason by itself."""

from datetime import UTC, datetime, timedelta

from testkit.caller import Caller, expect
from testkit.waiting import until

AGES = timedelta(hours=1)


def reasons_of(owner: Caller, job_id: str) -> list[str]:
    answer = expect(200, owner.http.get(f"/v1/jobs/{job_id}/explain"))
    return [reason["code"] for reason in answer["reasons"]]


def test_a_running_reelwork_explains_a_job_from_its_submission_to_its_end(owner: Caller):
    blocker = owner.submit(seconds=60)["id"]
    owner.wait(blocker, "processing")
    job_id = owner.submit()["id"]
    later = owner.submit(job={"not_before": (datetime.now(UTC) + AGES).isoformat()})["id"]

    until(lambda: reasons_of(owner, job_id) == ["workers_busy"])
    assert reasons_of(owner, blocker) == ["running"]
    assert reasons_of(owner, later)[0] == "not_before"
    owner.cancel(blocker)
    assert reasons_of(owner, blocker)[0] in {"cancelling", "cancelled"}
    owner.wait(blocker)
    assert reasons_of(owner, blocker) == ["cancelled"]
    owner.wait(job_id)
    assert reasons_of(owner, job_id) == ["completed"]
    owner.cancel(later)


def test_a_job_that_failed_is_explained_by_its_error(owner: Caller):
    job_id = owner.wait(owner.submit(fail="fatal")["id"])["id"]

    (reason,) = expect(200, owner.http.get(f"/v1/jobs/{job_id}/explain"))["reasons"]

    assert (reason["code"], reason["facts"]["error"]) == ("failed", "generation_failed")
    assert "The test asked for" in reason["message"]


def test_a_job_that_is_tried_again_says_until_when_it_waits(owner: Caller):
    job_id = owner.submit(fail="retryable")["id"]
    until(lambda: reasons_of(owner, job_id)[0] == "retry_backoff")
    owner.cancel(job_id)

    assert reasons_of(owner, job_id) == ["cancelled"]


def test_somebody_elses_job_is_not_explained(owner: Caller, stranger: Caller):
    job_id = owner.submit()["id"]

    problem = expect(404, stranger.http.get(f"/v1/jobs/{job_id}/explain"))

    assert problem["code"] == "job_not_found"
