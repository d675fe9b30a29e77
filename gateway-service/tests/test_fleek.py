"""The media processing paths of Fleek: a prompt in, a status to ask after, a link to the picture out."""

import io
import uuid
from datetime import datetime

import httpx2 as httpx
import pytest
from PIL import Image

from testkit.caller import Caller, Json, expect

FIELDS = {"id", "job_id", "prompt", "status", "next_run", "number_of_tries", "created_at", "updated_at"}


@pytest.fixture(scope="module")
def media(owner: Caller) -> Json:
    """Media that is done."""
    body = {"prompt": "a lake at dawn", "parameters": {"resolution": "480p", "seed": 4}}
    created = expect(200, owner.http.post("/media/generate", json=body))
    assert created["status"] in {"IN_QUEUE", "PROCESSING"}
    owner.wait(created["job_id"])
    return expect(200, owner.http.get(f"/media/status/{created['job_id']}"))


def test_media_are_told_whole_in_the_sources_words(media: Json):
    assert media.keys() == FIELDS
    assert (media["prompt"], media["status"], media["next_run"], media["number_of_tries"]) == (
        "a lake at dawn",
        "COMPLETED",
        None,
        1,
    )
    assert str(uuid.UUID(media["id"])) == media["id"]
    assert datetime.fromisoformat(media["created_at"]) <= datetime.fromisoformat(media["updated_at"])


def test_both_ids_lead_to_the_same_media(owner: Caller, media: Json):
    assert expect(200, owner.http.get(f"/media/status/{media['id']}")) == media


def test_the_content_is_a_signed_address_that_serves_the_picture_for_an_hour(owner: Caller, media: Json):
    link = expect(200, owner.http.get(f"/media/content/{media['id']}"))

    assert link.keys() == {"url"}
    assert httpx.URL(link["url"]).params["X-Amz-Expires"] == "3600"
    with Image.open(io.BytesIO(httpx.get(link["url"]).content)) as picture:
        assert picture.format == "PNG"


def test_the_same_request_under_a_key_is_one_media(owner: Caller):
    def post(prompt: str) -> httpx.Response:
        return owner.http.post("/media/generate", json={"prompt": prompt}, headers={"Idempotency-Key": "media once"})

    first, second = post("a hill"), post("a hill")

    assert expect(200, second) == expect(200, first)
    assert second.headers["idempotency-replayed"] == "true"
    assert post("a valley").status_code == 422
    owner.cancel(first.json()["job_id"])


def test_what_was_erased_is_not_replayed_under_its_key(owner: Caller):
    def post() -> Json:
        asked = {"json": {"prompt": "a secret hill"}, "headers": {"Idempotency-Key": "media erased"}}
        return expect(200, owner.http.post("/media/generate", **asked))

    first = post()
    owner.wait(first["job_id"])
    expect(200, owner.http.delete(f"/v1/jobs/{first['job_id']}/data"))

    again = post()

    assert "secret" in str(first)
    assert again["job_id"] == first["job_id"]
    assert "secret" not in str(again)


def test_what_is_not_ready_has_no_content_yet(owner: Caller):
    blocker = owner.submit(seconds=60)["id"]
    owner.wait(blocker, "processing")
    created = expect(200, owner.http.post("/media/generate", json={"prompt": "a hill"}))

    refused = expect(409, owner.http.get(f"/media/content/{created['id']}"))

    owner.cancel(created["job_id"])
    owner.cancel(blocker)
    assert refused["error_code"] == "INVALID_STATE"
    assert expect(200, owner.http.get(f"/media/status/{created['job_id']}"))["status"] == "ERROR"


@pytest.mark.parametrize("name", ["nope", str(uuid.UUID(int=0)), "job_x", "%00"])
def test_unknown_media_are_refused_in_the_sources_envelope(owner: Caller, name: str):
    for path in (f"/media/status/{name}", f"/media/content/{name}"):
        refused = expect(404, owner.http.get(path))
        assert refused.keys() == {"error_code", "message", "extras"}
        assert refused["error_code"] == "RESOURCE_NOT_FOUND"


def test_a_job_that_did_not_come_by_this_surface_is_no_media(owner: Caller):
    job = owner.submit()["id"]

    assert expect(404, owner.http.get(f"/media/status/{job}"))["error_code"] == "RESOURCE_NOT_FOUND"


def test_a_prompt_that_is_not_valid_is_named(owner: Caller):
    refused = expect(422, owner.http.post("/media/generate", json={"prompt": ""}))

    assert refused["error_code"] == "INVALID_INPUT"
    assert [error["pointer"] for error in refused["extras"]["errors"]] == ["#/prompt"]


def test_the_tools_tell_of_the_database_and_of_a_worker(owner: Caller, nobody: Caller):
    assert expect(200, nobody.http.get("/tools/status")) == {"status": "ok"}
    answer = expect(200, owner.http.get("/tools/celery_status", params={"message": "hello"}))
    assert answer == {"statusCode": 200, "message": "hello"}


def test_every_answer_tells_how_long_it_took(owner: Caller):
    for path in ("/tools/status", "/media/status/nope"):
        assert 0 < float(owner.http.get(path).headers["x-process-time"]) < 10
