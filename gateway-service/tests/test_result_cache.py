"""An equal job is answered at once by one that was completed; whoever wants it run again says so."""

import pytest

from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

FILM = {"seed": 1, "duration_seconds": 1, "resolution": "480p", "fps": 24}


@pytest.fixture(scope="module")
def painter(stack: Stack) -> Caller:
    """An account whose jobs are equal to nobody's."""
    return stack.caller("painter")


def ran(caller: Caller, job: Json) -> Json:
    ended = caller.wait(job["id"])
    assert (ended["status"], ended["attempt"], ended["cache"]) == (
        "completed",
        1,
        {"hit": False, "source_job_id": None},
    )
    return ended


def test_an_equal_job_is_completed_when_it_is_accepted(painter: Caller):
    first = ran(painter, painter.submit(seed=1, size_bytes=99))

    second = painter.submit(size_bytes=99, seed=1, job={"tags": ["again"]})

    assert second["id"] != first["id"]
    assert (second["status"], second["is_success"], second["progress"]) == ("completed", True, 1.0)
    assert second["cache"] == {"hit": True, "source_job_id": first["id"]}
    assert (second["outputs"], second["attempts"], second["tags"]) == (first["outputs"], [], ["again"])
    assert painter.job(second["id"]) == second
    assert [event["type"] for event in painter.events(second["id"])] == ["job.completed"]
    with painter.stream(second["id"]) as frames:
        assert [frame.event for frame in frames] == ["snapshot", "job.completed"]


def test_an_estimate_tells_that_a_result_is_there_already(painter: Caller):
    body = {"model": "testkit/noop", "input": {"seed": 1, "size_bytes": 98}}
    before = expect(200, painter.http.post("/v1/jobs/estimate", json=body))
    ran(painter, painter.submit(seed=1, size_bytes=98))

    after = expect(200, painter.http.post("/v1/jobs/estimate", json=body))

    assert (before["cache_hit"], before["queue_position"]) == (False, 1)
    assert (after["cache_hit"], after["queue_position"]) == (True, None)
    assert after["starts_in_seconds"] == {"p50": 0.0, "p90": 0.0}


def test_the_same_picture_uploaded_twice_is_the_same(painter: Caller):
    picture = pictures.picture(size=(64, 48))
    one, other = painter.upload(picture, "one.jpg"), painter.upload(picture, "other.jpg")
    first = ran(painter, painter.submit("builtin/camera-move", image=one["id"], **FILM))

    second = painter.submit("builtin/camera-move", image=other["id"], **FILM)

    assert second["cache"] == {"hit": True, "source_job_id": first["id"]}
    assert second["input"]["image"] == other["id"]


def test_without_a_seed_every_job_is_a_new_one(painter: Caller):
    first = ran(painter, painter.submit(size_bytes=77))

    second = ran(painter, painter.submit(size_bytes=77))

    assert first["outputs"][0]["sha256"] != second["outputs"][0]["sha256"]
    assert painter.submit(size_bytes=77, seed=first["seed"])["cache"]["source_job_id"] == first["id"]


@pytest.mark.parametrize("mode", ["refresh", "off"])
def test_whoever_wants_it_run_says_so(painter: Caller, mode: str):
    values = {"size_bytes": 55, "seed": 1 if mode == "off" else 2}
    first = ran(painter, painter.submit(**values))

    second = ran(painter, painter.submit(**values, job={"cache": mode}))

    newest = second if mode == "refresh" else first
    assert painter.submit(**values)["cache"]["source_job_id"] == newest["id"]


def test_another_account_runs_its_own(painter: Caller, stranger: Caller):
    ran(painter, painter.submit(seed=3))

    assert stranger.submit(seed=3)["cache"]["hit"] is False


def test_a_failure_is_not_remembered(painter: Caller):
    failed = painter.wait(painter.submit(seed=4, fail="fatal")["id"])

    again = painter.submit(seed=4, fail="fatal")

    assert (failed["status"], again["cache"]["hit"]) == ("failed", False)


def test_a_shared_result_is_served_until_the_last_job_is_erased(painter: Caller):
    first = ran(painter, painter.submit(seed=5))
    second = painter.submit(seed=5)
    (output,) = second["outputs"]

    seen = []
    for job in (first, second):
        expect(200, painter.http.delete(f"/v1/jobs/{job['id']}/data"))
        seen.append(painter.http.get(output["url"]).status_code)

    assert seen == [302, 404]
    assert painter.submit(seed=5)["cache"]["hit"] is False


def test_an_unknown_mode_is_refused_by_name(painter: Caller):
    body = {"model": "testkit/noop", "cache": "maybe"}

    problem = expect(422, painter.http.post("/v1/jobs", json=body))

    assert problem["errors"][0]["pointer"] == "#/cache"
