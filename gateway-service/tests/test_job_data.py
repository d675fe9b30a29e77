"""Erasing the data of a job, deleting an asset, and how long files are kept."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest

from reelwork.domain.account import Scope
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service, running_s3
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

FILM = {"duration_seconds": 1, "resolution": "480p", "fps": 24}
UNKNOWN = "0" * 26
LATER = (datetime.now(UTC) + timedelta(days=300)).isoformat()


def erase(caller: Caller, job: Json) -> httpx.Response:
    return caller.http.delete(f"/v1/jobs/{job['id']}/data")


def film_of(owner: Caller) -> tuple[Json, Json]:
    """A picture, and a finished job that made a film of it."""
    picture = owner.upload(pictures.picture(size=(64, 48)))
    submitted = owner.submit("builtin/camera-move", image=picture["id"], job={"cache": "off"}, **FILM)
    return picture, owner.wait(submitted["id"])


def statuses(owner: Caller, *assets: str) -> list[int]:
    return [owner.http.get(f"/v1/assets/{asset}{rest}").status_code for asset in assets for rest in ("", "/content")]


def test_an_erased_job_is_a_record_without_input_and_files(stack: Stack, owner: Caller):
    picture, job = film_of(owner)
    (output,) = job["outputs"]
    address = owner.http.get(output["url"]).headers["location"]

    erased = expect(200, erase(owner, job))

    assert (erased["status"], erased["input"], erased["outputs"]) == ("completed", {}, [])
    assert (erased["inputs_removed"], erased["data_removed"]) == (True, True)
    assert owner.job(job["id"]) == erased
    assert owner.events(job["id"])[-1]["type"] == "job.data_removed"
    assert statuses(owner, picture["id"], output["asset_id"]) == [404] * 4
    until(lambda: httpx.get(address).status_code == 404)
    until(lambda: not [key for key in stack.stored().objects if job["id"] in key or picture["id"] in key])
    assert job["id"] in {one["id"] for one in owner.http.get("/v1/jobs").json()["items"]}


@pytest.mark.parametrize("way", ["alone", "among many"])
def test_what_was_erased_is_not_replayed_under_its_idempotency_key(owner: Caller, way: str):
    def submitted() -> httpx.Response:
        body = {"model": "testkit/noop", "input": {"seed": 271828182}, "cache": "off"}
        return owner.http.post("/v1/jobs", json=body, headers={"Idempotency-Key": way})

    job = owner.wait(expect(202, submitted())["id"])

    if way == "alone":
        expect(200, erase(owner, job))
    else:
        expect(200, owner.http.post("/v1/jobs/bulk", json={"action": "erase", "ids": [job["id"]]}))

    replayed = submitted()
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json() == owner.job(job["id"])
    assert replayed.json()["input"] == {}


def test_whoever_comes_back_to_the_stream_is_told_of_it(owner: Caller):
    job = owner.wait(owner.submit()["id"])
    expect(200, erase(owner, job))

    with owner.stream(job["id"], headers={"Last-Event-ID": "3"}) as frames:
        told = list(frames)

    assert [(frame.event, frame.id) for frame in told[1:]] == [("job.data_removed", "4")]


def test_erasing_again_changes_nothing(owner: Caller):
    job = owner.wait(owner.submit()["id"])

    first, second = (expect(200, erase(owner, job)) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_job_that_has_not_ended_is_not_erased(owner: Caller, status: str):
    held = {"not_before": LATER} if status == "queued" else {}
    job = owner.submit(seconds=30, job=held)
    owner.wait(job["id"], status)

    problem = expect(409, erase(owner, job))

    assert problem["code"] == "invalid_state"
    assert f"/v1/jobs/{job['id']}/cancel" in problem["hint"]
    owner.cancel(job["id"])
    owner.wait(job["id"])
    assert expect(200, erase(owner, job))["data_removed"]


def test_a_picture_is_deleted_once_no_job_needs_it(owner: Caller):
    picture = owner.upload(pictures.picture(size=(64, 48)))
    held = {"not_before": LATER}
    job = owner.submit("builtin/camera-move", image=picture["id"], job=held, **FILM)

    refused = expect(409, owner.http.delete(f"/v1/assets/{picture['id']}"))
    owner.cancel(job["id"])
    deleted = owner.http.delete(f"/v1/assets/{picture['id']}")

    assert (refused["code"], deleted.status_code, deleted.content) == ("asset_in_use", 204, b"")
    assert statuses(owner, picture["id"]) == [404, 404]
    assert owner.http.delete(f"/v1/assets/{picture['id']}").status_code == 404
    refused = expect(422, owner.http.post("/v1/jobs", json=_film(picture["id"])))
    assert refused["errors"][0]["code"] == "asset_not_found"


def test_a_result_can_be_deleted_by_itself(owner: Caller):
    job = owner.wait(owner.submit()["id"])
    (output,) = job["outputs"]

    assert owner.http.delete(f"/v1/assets/{output['asset_id']}").status_code == 204

    assert statuses(owner, output["asset_id"]) == [404, 404]


def test_foreign_data_is_not_to_be_found(owner: Caller, stranger: Caller):
    job = owner.wait(owner.submit()["id"])
    (output,) = job["outputs"]

    for known, unknown in (
        (f"/v1/jobs/{job['id']}/data", f"/v1/jobs/job_{UNKNOWN}/data"),
        (f"/v1/assets/{output['asset_id']}", f"/v1/assets/asset_{UNKNOWN}"),
    ):
        codes = [expect(404, stranger.http.delete(path))["code"] for path in (known, unknown)]
        assert codes[0] == codes[1]

    assert owner.content(output["asset_id"])


def test_a_key_that_may_not_manage_erases_nothing(stack: Stack, owner: Caller):
    job = owner.wait(owner.submit()["id"])
    reader = stack.caller("owner", scopes=frozenset({Scope.READ, Scope.SUBMIT}))

    answers = [erase(reader, job), reader.http.delete(f"/v1/assets/{job['outputs'][0]['asset_id']}")]

    assert [expect(403, answer)["code"] for answer in answers] == ["scope_missing"] * 2


def test_a_download_that_is_under_way_ends_or_breaks_and_harms_nobody(owner: Caller):
    job = owner.wait(owner.submit(size_bytes=32 << 20)["id"])
    (output,) = job["outputs"]

    received = 0
    try:
        with owner.http.stream("GET", output["url"], params={"proxy": "true"}) as response:
            chunks = response.iter_bytes(1 << 16)
            received += len(next(chunks))
            expect(200, erase(owner, job))
            received += sum(len(chunk) for chunk in chunks)
    except httpx.HTTPError:
        assert received < output["bytes"]
    else:
        assert received == output["bytes"]

    assert statuses(owner, output["asset_id"]) == [404, 404]
    assert owner.wait(owner.submit()["id"])["status"] == "completed"


def test_without_any_retention_files_stay(owner: Caller):
    job = owner.wait(owner.submit()["id"])

    assert (job["expires_at"], job["data_removed"]) == (None, False)


def test_files_that_are_due_are_removed_and_the_record_says_so(stack: Stack, owner: Caller):
    job = owner.wait(owner.submit(job={"retention": {"output_seconds": 60}})["id"])
    assert _seconds_kept(job) == 60

    with stack.documents() as database:
        database["jobs"].update_one({"_id": job["id"]}, {"$set": {"outputs_due_at": datetime.now(UTC)}})

    until(lambda: owner.job(job["id"])["data_removed"])
    left = owner.job(job["id"])
    assert (left["status"], left["outputs"], left["expires_at"]) == ("completed", [], None)
    until(lambda: statuses(owner, job["outputs"][0]["asset_id"]) == [404, 404])
    until(lambda: not [key for key in stack.stored().objects if job["id"] in key])


def test_an_input_that_is_due_goes_with_its_values_and_the_record_says_so(stack: Stack, owner: Caller):
    job = owner.wait(owner.submit(size_bytes=5, job={"retention": {"input_seconds": 60}})["id"])

    with stack.documents() as database:
        database["jobs"].update_one({"_id": job["id"]}, {"$set": {"inputs_due_at": datetime.now(UTC)}})

    until(lambda: owner.job(job["id"])["inputs_removed"])
    left = owner.job(job["id"])
    assert (job["inputs_removed"], left["input"], left["data_removed"]) == (False, {}, False)
    assert left["outputs"] == job["outputs"]


@pytest.mark.parametrize("seconds", [59, -1, 1.5, "soon", 10**12])
def test_a_retention_that_makes_no_sense_is_refused_by_name(owner: Caller, seconds: object):
    body = {"model": "testkit/noop", "retention": {"output_seconds": seconds}}

    problem = expect(422, owner.http.post("/v1/jobs", json=body))

    assert problem["errors"][0]["pointer"] == "#/retention/output_seconds"


def test_an_account_may_have_a_retention_of_its_own(stack: Stack):
    thrifty = stack.caller("thrifty")
    with stack.documents() as database:
        database["accounts"].update_one({"name": "thrifty"}, {"$set": {"retention.output_seconds": 3600}})

    kept = [thrifty.wait(thrifty.submit(job={"retention": asked})["id"]) for asked in ({}, {"output_seconds": 120})]

    assert [_seconds_kept(job) for job in kept] == [3600, 120]


def test_whoever_runs_the_installation_says_how_long_an_account_keeps_files(stack: Stack):
    stack.caller("moderate")
    command = [sys.executable, "-m", "gateway.account", "retain", "--name"]

    told = [
        subprocess.run([*command, *rest], env=stack.gateway.command.env, capture_output=True, check=False)  # noqa: S603
        for rest in (
            ["moderate", "--output-seconds", "7200"],
            ["nobody-here", "--output-seconds", "7200"],
        )
    ]

    assert [one.returncode for one in told] == [0, 1]
    assert b"nobody-here" in told[1].stderr
    moderate = stack.caller("moderate")
    assert _seconds_kept(moderate.wait(moderate.submit()["id"])) == 7200


@pytest.fixture(scope="module")
def own(mongo_url: str) -> Iterator[tuple[Stack, S3Service]]:
    """A Reelwork that keeps files for two minutes, on an S3 that the test may stop."""
    with (
        running_s3(durable=True) as s3,
        running_stack(Servers(mongo_url=mongo_url, s3=s3), retention_seconds=120) as stack,
    ):
        yield stack, s3


@pytest.mark.slow
def test_the_default_of_the_installation_counts_where_nobody_asks_for_anything(own: tuple[Stack, S3Service]):
    stack, _ = own
    jobs = [stack.owner.submit(job={"retention": asked}) for asked in ({}, {"output_seconds": 60})]

    assert [_seconds_kept(stack.owner.wait(job["id"])) for job in jobs] == [120, 60]


@pytest.mark.slow
def test_without_s3_nothing_more_is_served_and_the_bytes_go_when_it_is_back(own: tuple[Stack, S3Service]):
    stack, s3 = own
    job = stack.owner.wait(stack.owner.submit()["id"])
    asset_id = job["outputs"][0]["asset_id"]
    s3.kill()

    erased = expect(200, erase(stack.owner, job))

    assert erased["data_removed"]
    assert statuses(stack.owner, asset_id) == [404, 404]
    s3.start()
    until(lambda: not [key for key in stack.stored().objects if job["id"] in key], within=timedelta(seconds=60))
    with stack.documents() as database:
        until(lambda: database["assets"].find_one({"_id": asset_id}) is None)


def _film(picture: str) -> Json:
    return {"model": "builtin/camera-move", "input": {"image": picture, **FILM}}


def _seconds_kept(job: Json) -> float:
    ends, begins = (datetime.fromisoformat(job[name]) for name in ("expires_at", "completed_at"))
    return (ends - begins).total_seconds()
