"""POST /v1/uploads: bytes that go straight into a real S3, by addresses that take nothing else, and can be resumed."""

import hashlib

import httpx2 as httpx
import pytest

from testkit import pictures
from testkit.caller import Caller, expect
from testkit.films import film
from testkit.stack import Stack
from testkit.uploads import MIB, PART, begin, complete, declared, piece, send

pytestmark = pytest.mark.security

JPEG = pictures.picture(size=(64, 40))
LARGE = film(2 * PART + 1000)


def test_a_small_file_is_one_put_and_becomes_an_asset(uploader: Caller, web: httpx.Client):
    answer = uploader.http.post("/v1/uploads", json=declared(JPEG, "image/jpeg", filename="../a/dunes.jpg"))

    upload = expect(201, answer)
    assert answer.headers["location"] == f"/v1/uploads/{upload['id']}"
    assert (upload["method"], upload["status"], upload["parts"], upload["received"]) == ("put", "open", None, [])
    assert web.put(upload["url"], content=JPEG, headers=upload["headers"]).status_code == 200
    asset = expect(200, complete(uploader, upload))
    assert asset["id"] == upload["asset_id"]
    assert (asset["filename"], asset["purpose"], asset["kind"]) == ("dunes.jpg", "input", "image")
    assert (asset["width"], asset["height"], asset["sha256"]) == (64, 40, hashlib.sha256(JPEG).hexdigest())
    assert uploader.content(asset["id"]) == JPEG
    assert expect(200, complete(uploader, upload)) == asset
    assert expect(200, uploader.http.get(f"/v1/uploads/{upload['id']}"))["status"] == "completed"


@pytest.mark.parametrize("media_type", pictures.FORMATS)
def test_every_kind_of_picture_can_be_sent_so(uploader: Caller, web: httpx.Client, media_type: str):
    content = pictures.picture(media_type, size=(64, 40))
    upload = begin(uploader, content, media_type)

    web.put(upload["url"], content=content, headers=upload["headers"])

    assert expect(200, complete(uploader, upload))["width"] == 64


def test_a_large_file_goes_in_parts_and_is_resumed_with_those_that_are_missing(uploader: Caller, web: httpx.Client):
    upload = begin(uploader, LARGE)
    assert (upload["method"], upload["parts"], upload["part_bytes"]) == ("multipart", 3, PART)
    sent = send(web, upload, LARGE, 1, 3)

    found = expect(200, uploader.http.get(f"/v1/uploads/{upload['id']}"))

    assert [(part["n"], part["bytes"], f'"{part["etag"]}"') for part in found["received"]] == [
        (1, PART, sent[1]),
        (3, 1000, sent[3]),
    ]
    assert [part["n"] for part in found["part_urls"]] == [2]
    sent |= send(web, found, LARGE, 2)
    asset = expect(200, complete(uploader, upload, parts=[{"n": n, "etag": etag} for n, etag in sent.items()]))
    assert (asset["bytes"], asset["kind"], asset["duration_seconds"]) == (len(LARGE), "video", 2.0)
    assert uploader.content(asset["id"]) == LARGE


def test_what_the_store_has_is_enough_to_complete(uploader: Caller, web: httpx.Client):
    upload = begin(uploader, LARGE)
    send(web, upload, LARGE, 1, 2, 3)

    assert expect(200, uploader.http.post(upload["urls"]["complete"]))["bytes"] == len(LARGE)


def test_parts_are_signed_on_demand(uploader: Caller, web: httpx.Client):
    upload = begin(uploader, LARGE)

    signed = expect(200, uploader.http.post(upload["urls"]["parts"], json={"parts": [3, 1]}))["parts"]

    assert [part["n"] for part in signed] == [3, 1]
    assert web.put(signed[0]["url"], content=piece(LARGE, 3)).status_code == 200
    for numbers, pointer in (([1, 4], "#/parts/1"), ([0], "#/parts/0"), ([1, 1], "#/parts"), ([], "#/parts")):
        problem = expect(422, uploader.http.post(upload["urls"]["parts"], json={"parts": numbers}))
        assert problem["errors"][0]["pointer"] == pointer


def test_an_aborted_upload_is_gone_with_what_was_sent(stack: Stack, uploader: Caller, web: httpx.Client):
    before = stack.stored()
    parts, one = begin(uploader, LARGE), begin(uploader, JPEG, "image/jpeg")
    send(web, parts, LARGE, 1)
    web.put(one["url"], content=JPEG, headers=one["headers"])

    for upload in (parts, one, parts):
        assert uploader.http.delete(upload["urls"]["abort"]).status_code == 204

    assert not stack.added_since(before)
    assert web.put(parts["part_urls"][1]["url"], content=piece(LARGE, 2)).status_code == 404
    assert expect(409, complete(uploader, parts))["code"] == "invalid_state"
    assert expect(409, uploader.http.post(parts["urls"]["parts"], json={"parts": [1]}))["code"] == "invalid_state"


def test_a_completed_upload_is_removed_as_an_asset(uploader: Caller, web: httpx.Client):
    upload = begin(uploader, JPEG, "image/jpeg")
    web.put(upload["url"], content=JPEG, headers=upload["headers"])
    asset = expect(200, complete(uploader, upload))

    problem = expect(409, uploader.http.delete(upload["urls"]["abort"]))

    assert asset["id"] in problem["hint"]
    assert uploader.http.delete(f"/v1/assets/{asset['id']}").status_code == 204
    assert expect(404, complete(uploader, upload))["code"] == "asset_not_found"


def test_bytes_that_an_account_has_need_not_be_sent_again_and_nobody_elses_count(
    stack: Stack, uploader: Caller, web: httpx.Client
):
    digest = hashlib.sha256(JPEG).hexdigest()
    mine, stranger = uploader.upload(JPEG, "a.jpg"), stack.caller("stranger")

    again = expect(200, uploader.http.post("/v1/uploads", json=declared(JPEG, "image/jpeg")))

    assert again == {"deduplicated": True, "asset": mine}
    assert expect(200, uploader.http.post("/v1/assets/from-hash", json={"sha256": digest})) == mine
    assert uploader.http.head(f"/v1/assets/by-hash/{digest}").status_code == 200
    assert begin(stranger, JPEG, "image/jpeg")["method"] == "put"
    for unknown in (digest, "0" * 64):
        asked = web.head(f"{stack.base_url}/v1/assets/by-hash/{unknown}", headers={"X-API-Key": stranger.key})
        assert (asked.status_code, asked.content) == (404, b"")
        problem = expect(404, stranger.http.post("/v1/assets/from-hash", json={"sha256": unknown}))
        assert problem["code"] == "asset_not_found"
        assert problem["detail"].endswith(f"{unknown}.")
    assert expect(400, uploader.http.get("/v1/assets/by-hash/nope"))["errors"][0]["pointer"] == "path:sha256"


def test_bytes_that_only_a_job_made_are_sent_again_since_they_go_with_its_data(uploader: Caller, web: httpx.Client):
    card = {"prompt": "made", "delay_seconds": 0, "failure_rate": 0}
    job = uploader.wait(uploader.submit("simulated/image", **card)["id"])
    made = expect(200, uploader.http.get(f"/v1/assets/{job['outputs'][0]['asset_id']}"))
    content, digest = uploader.content(made["id"]), made["sha256"]

    begun = expect(201, uploader.http.post("/v1/uploads", json=declared(content, made["content_type"])))
    assert expect(404, uploader.http.get(f"/v1/assets/by-hash/{digest}"))["code"] == "asset_not_found"
    expect(404, uploader.http.post("/v1/assets/from-hash", json={"sha256": digest}))
    web.put(begun["url"], content=content, headers=begun["headers"])
    own = expect(200, complete(uploader, begun))
    expect(200, uploader.http.delete(f"/v1/jobs/{job['id']}/data"))

    assert uploader.content(own["id"]) == content
    assert expect(200, uploader.http.post("/v1/assets/from-hash", json={"sha256": digest})) == own


def test_a_client_may_choose_the_size_of_its_parts(uploader: Caller, web: httpx.Client):
    small, chosen = film(), begin(uploader, LARGE, part_bytes=PART + MIB)
    whole = begin(uploader, small, part_bytes=PART)

    assert (chosen["parts"], chosen["part_bytes"]) == (2, PART + MIB)
    assert (whole["method"], whole["parts"]) == ("multipart", 1)
    send(web, whole, small, 1)
    assert expect(200, complete(uploader, whole))["bytes"] == len(small)


def test_whoever_has_forgotten_its_name_finds_an_upload_by_its_bytes(uploader: Caller, web: httpx.Client):
    upload = begin(uploader, LARGE)
    send(web, upload, LARGE, 1)

    again = begin(uploader, LARGE)

    assert (again["id"], [part["n"] for part in again["received"]]) == (upload["id"], [1])
    assert [part["n"] for part in again["part_urls"]] == [2, 3]
    assert begin(uploader, LARGE, "video/quicktime")["id"] != upload["id"]


def test_browsers_may_send_parts_and_read_their_etags(stack: Stack, uploader: Caller, web: httpx.Client):
    url = begin(uploader, LARGE)["part_urls"][0]["url"]
    asked = {"Origin": "https://ui.example", "Access-Control-Request-Method": "PUT"}

    may = web.options(url, headers=asked)
    sent = web.put(url, content=piece(LARGE, 1), headers={"Origin": "https://ui.example"})

    assert may.status_code in {200, 204}
    assert "PUT" in may.headers["access-control-allow-methods"]
    assert may.headers["access-control-allow-origin"] in {"*", "https://ui.example"}
    assert "etag" in sent.headers["access-control-expose-headers"].lower()
