"""Uploads that are refused: by the object store as the bytes arrive, or by a problem that names the field."""

from collections.abc import Callable, Iterator

import httpx2 as httpx
import pytest

from reelwork.domain.account import Scope
from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.films import film
from testkit.stack import Stack
from testkit.uploads import MIB, PART, begin, complete, declared, piece, send

pytestmark = pytest.mark.security

JPEG = pictures.picture(size=(64, 40))
SMALL = film()
LARGE = film(2 * PART + 1000)


@pytest.fixture
def sent(stack: Stack, uploader: Caller, web: httpx.Client) -> Iterator[Callable[[bytes, str], Json]]:
    """Sends bytes that must become nothing: at the end there is what was there before."""
    before = stack.stored()

    def send_it(content: bytes, content_type: str) -> Json:
        upload = begin(uploader, content, content_type)
        assert web.put(upload["url"], content=content, headers=upload["headers"]).status_code == 200
        return upload

    yield send_it
    assert not stack.added_since(before)


def test_an_address_takes_only_what_was_declared(uploader: Caller, web: httpx.Client):
    one, parts = begin(uploader, JPEG, "image/jpeg"), begin(uploader, LARGE)
    headers, first = one["headers"], parts["part_urls"][0]["url"]
    same_size = bytes(len(JPEG))
    digest = "x-amz-checksum-sha256"
    other = {digest: "A" * 43 + "="}

    refused = [
        web.put(one["url"], content=same_size, headers=headers),
        web.put(one["url"], content=JPEG + b"1", headers=headers),
        web.put(one["url"], content=JPEG, headers=headers | {"Content-Type": "text/html"}),
        web.put(one["url"], content=JPEG, headers={"Content-Type": "image/jpeg"}),
        web.put(one["url"], content=same_size, headers=headers | other),
        web.put(first, content=piece(LARGE, 1) + b"1"),
        web.put(first, content=b"1"),
        web.get(one["url"]),
    ]

    assert {answer.status_code for answer in refused} <= {400, 403}
    assert expect(409, complete(uploader, one))["code"] == "invalid_state"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (SMALL, "image/jpeg", 415),
        (JPEG, "video/mp4", 415),
        (b"<!DOCTYPE html><script>alert(1)</script>", "image/png", 415),
        (b"#EXTM3U\nfile:///etc/passwd\n", "video/mp4", 415),
        (JPEG[: len(JPEG) // 2], "image/jpeg", 422),
        (SMALL[:-1], "video/mp4", 422),
    ],
)
def test_bytes_that_are_not_what_they_are_called_become_nothing(
    uploader: Caller, sent: Callable[[bytes, str], Json], content: bytes, content_type: str, status: int
):
    upload = sent(content, content_type)

    problem = expect(status, complete(uploader, upload))

    assert [error["pointer"] for error in problem["errors"]] == ["#/content_type"]
    assert expect(status, complete(uploader, upload))["errors"] == problem["errors"]
    found = expect(200, uploader.http.get(f"/v1/uploads/{upload['id']}"))
    assert (found["status"], found["error"]["code"]) == ("failed", problem["errors"][0]["code"])


def test_parts_of_another_file_are_found_out(stack: Stack, uploader: Caller, web: httpx.Client):
    before = stack.stored()
    upload = begin(uploader, LARGE)
    send(web, upload, LARGE[:-1] + b"1", 1, 2, 3)

    problem = expect(409, complete(uploader, upload))

    assert (problem["code"], problem["errors"][0]["pointer"]) == ("hash_mismatch", "#/sha256")
    assert not stack.added_since(before)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (lambda _: {}, "part 2"),
        (lambda sent: {"parts": [{"n": 1, "etag": sent[1]}]}, "part 2"),
        (lambda sent: {"parts": [{"n": n, "etag": sent.get(n, '"0"')} for n in (1, 2, 3)]}, "part 2"),
    ],
)
def test_completing_before_all_is_there_names_what_is_missing(
    uploader: Caller, web: httpx.Client, body: Callable[[dict[int, str]], Json], named: str
):
    upload = begin(uploader, LARGE)
    sent = send(web, upload, LARGE, 1, 3)

    problem = expect(422, complete(uploader, upload, **body(sent)))

    assert problem["errors"][0]["pointer"] == "#/parts"
    assert named in problem["detail"]
    send(web, expect(200, uploader.http.get(f"/v1/uploads/{upload['id']}")), LARGE, 2)
    wrong = [{"n": n, "etag": sent[1]} for n in (1, 2, 3)]
    assert "part 2, 3" in expect(422, complete(uploader, upload, parts=wrong))["detail"]
    assert expect(200, complete(uploader, upload))["bytes"] == len(LARGE)


def test_an_upload_of_another_account_is_like_none(stack: Stack, uploader: Caller):
    stranger, upload = stack.caller("stranger"), begin(uploader, LARGE)
    part = {"parts": [1]}

    for name in (upload["id"], "upl_" + "0" * 26):
        base = f"/v1/uploads/{name}"
        for answer in (
            stranger.http.get(base),
            stranger.http.delete(base),
            stranger.http.post(f"{base}/parts", json=part),
            stranger.http.post(f"{base}/complete", json={}),
        ):
            assert expect(404, answer)["code"] == "upload_not_found"
    assert expect(200, uploader.http.get(f"/v1/uploads/{upload['id']}"))["status"] == "open"


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"bytes": 0}, 422, "invalid_input", "#/bytes"),
        ({"bytes": "7"}, 422, "invalid_input", "#/bytes"),
        ({"bytes": 6 * 1024**3}, 413, "upload_too_large", "#/bytes"),
        ({"bytes": 33 * MIB, "content_type": "image/png"}, 413, "upload_too_large", "#/bytes"),
        ({"sha256": "0" * 63}, 422, "invalid_input", "#/sha256"),
        ({"sha256": None}, 422, "invalid_input", "#/sha256"),
        ({"content_type": "text/html"}, 415, "unsupported_media_type", "#/content_type"),
        ({"content_type": "image/svg+xml"}, 415, "unsupported_media_type", "#/content_type"),
        ({"filename": "a" * 256}, 422, "invalid_input", "#/filename"),
        ({"filename": None}, 422, "invalid_input", "#/filename"),
        ({"purpose": "output"}, 422, "invalid_input", "#/purpose"),
        ({"part_bytes": MIB}, 422, "invalid_input", "#/part_bytes"),
        ({"key": "../../other"}, 422, "invalid_input", "#/key"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused_by_its_field(
    uploader: Caller, change: Json, status: int, code: str, pointer: str
):
    problem = expect(status, uploader.http.post("/v1/uploads", json=declared(SMALL) | change))

    assert problem["code"] == code
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_unfinished_uploads_are_bounded_and_each_end_makes_room(uploader: Caller):
    uploads = [begin(uploader, film(200 + number)) for number in range(800, 803)]

    refused = uploader.http.post("/v1/uploads", json=declared(film(5000)))

    assert expect(429, refused)["code"] == "too_many_uploads"
    assert int(refused.headers["retry-after"]) >= 1
    uploader.http.delete(uploads[0]["urls"]["abort"])
    assert begin(uploader, film(5000))["status"] == "open"


def test_it_wants_the_scope_of_uploads(stack: Stack):
    reader = stack.caller("reader", scopes=frozenset({Scope.READ}))

    assert expect(403, reader.http.post("/v1/uploads", json=declared(SMALL)))["code"] == "scope_missing"
    assert expect(403, reader.http.get("/v1/uploads/upl_x"))["code"] == "scope_missing"
