"""Films and numbers, by form and into the store: told by their bytes, looked through, and taken by models that ask."""

import json
from pathlib import Path

import httpx2 as httpx
import pytest

from testkit import pictures
from testkit.caller import Caller, expect
from testkit.clips import write_clip
from testkit.films import film, webm
from testkit.stack import Stack
from testkit.uploads import MIB, begin, complete, declared

pytestmark = pytest.mark.security

FILMS = {
    "video/mp4": (film(), "video", ".mp4"),
    "video/quicktime": (film(brand=b"qt  "), "video", ".mov"),
    "video/webm": (webm(), "video", ".webm"),
}
NUMBERS = {
    "text/csv": (b"time,level\n1,2.5\n2,\n3,3.5\n", "text", ".csv"),
    "application/json": (b"[2.5, null, 3.5]", "data", ".json"),
}

HOLLOW = b"\x00\x00\x00\x18ftypisom" + bytes(100)  # begins like an MP4, and nothing follows


@pytest.mark.parametrize("media_type", FILMS)
def test_every_kind_of_film_is_taken_by_form_and_measured(owner: Caller, media_type: str):
    content, kind, _ = FILMS[media_type]

    asset = owner.upload(content, "holiday.txt")

    assert (asset["kind"], asset["content_type"], asset["purpose"]) == (kind, media_type, "input")
    assert (asset["width"], asset["height"], asset["duration_seconds"]) == (64, 40, 2.0)
    assert expect(200, owner.http.get(f"/v1/assets/{asset['id']}")) == asset
    assert owner.content(asset["id"]) == content


@pytest.mark.parametrize("media_type", NUMBERS)
def test_numbers_are_taken_by_form_and_only_ever_saved_never_shown(owner: Caller, media_type: str):
    content, kind, _ = NUMBERS[media_type]

    asset = owner.upload(content, "picture.jpg")

    assert (asset["kind"], asset["content_type"], asset["bytes"]) == (kind, media_type, len(content))
    assert (asset["width"], asset["height"], asset["duration_seconds"]) == (None, None, None)
    answer = owner.http.get(f"/v1/assets/{asset['id']}/content?proxy=true")
    assert (answer.content, answer.headers["x-content-type-options"]) == (content, "nosniff")
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("media_type", ["video/webm", *NUMBERS])
def test_what_comes_by_form_may_also_go_straight_into_the_store(uploader: Caller, web: httpx.Client, media_type: str):
    content, kind, ending = (FILMS | NUMBERS)[media_type]
    upload = begin(uploader, content, media_type, filename="")
    web.put(upload["url"], content=content, headers=upload["headers"])

    asset = expect(200, complete(uploader, upload))

    assert (asset["kind"], asset["content_type"], asset["filename"]) == (kind, media_type, f"upload{ending}")
    assert asset["width"] == (64 if kind == "video" else None)


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (film()[:-1], 422, "cut off"),
        (film(width=0), 422, "no picture"),
        (HOLLOW, 422, "no index"),
        (webm()[:-1], 422, "cut off"),
        (webm(width=20_000, height=20_000), 422, "pixels"),
        (webm(doc_type=b"matroska"), 415, "text/csv"),
        (b"\x00\x00\x00\x1cftypheic" + bytes(16), 415, "text/csv"),
        (b"ID3\x04" + bytes(100), 415, "text/csv"),
        (b"1,2\n3\n", 422, "point 1"),
        (b"1\ninf\n", 422, "point 1"),
        (b"level\n1\nten\n", 422, "point 1"),
        (b"1\n" * 9000 + b"\xff\n", 422, "UTF-8"),
        (b"1," * MIB, 422, "neither"),
        (b'[1, "2"]', 422, "point 1"),
        (b"[1, 2", 422, "neither"),
        (b"[]", 422, "no numbers"),
        (b'{"prompt": "a fox"}', 422, "values"),
        (b"[" * MIB, 422, "neither"),
    ],
)
def test_what_only_begins_like_a_film_or_like_numbers_is_refused_and_nothing_is_stored(
    owner: Caller, stack: Stack, content: bytes, status: int, said: str
):
    before = stack.stored()

    problem = expect(status, owner.http.post("/v1/assets", files={"file": content}))

    (fault,) = problem["errors"]
    assert fault["pointer"] == "#/file"
    assert said in fault["detail"]
    assert not stack.added_since(before)


@pytest.mark.parametrize("content", [film(), HOLLOW, webm(), *(content for content, _, _ in NUMBERS.values())])
def test_the_path_that_makes_films_of_pictures_takes_pictures_alone(owner: Caller, stack: Stack, content: bytes):
    before = stack.stored()

    problem = expect(415, owner.http.post("/api/v1/task", files={"file": content}))

    assert [error["pointer"] for error in problem["errors"]] == ["#/file"]
    assert "image/jpeg" in problem["detail"]
    assert not stack.added_since(before)


def test_bytes_that_are_declared_as_numbers_must_be_numbers(uploader: Caller, stack: Stack, web: httpx.Client):
    before = stack.stored()

    for content, status in ((b"no number here", 415), (b"1\nx\n", 422)):
        upload = begin(uploader, content, "text/csv")
        web.put(upload["url"], content=content, headers=upload["headers"])
        problem = expect(status, complete(uploader, upload))
        assert [error["pointer"] for error in problem["errors"]] == ["#/content_type"]

    assert not stack.added_since(before)
    body = declared(b"1\n", "text/csv") | {"bytes": 65 * MIB}
    assert expect(413, uploader.http.post("/v1/uploads", json=body))["errors"][0]["pointer"] == "#/bytes"


def test_a_table_that_came_by_form_is_filtered(owner: Caller):
    asset = owner.upload(b"time,level\n1,1.0\n2,\n3,2.5\n4,2.0\n", "tides.csv")
    values = {"values": [1.0, None, 2.5, 2.0]}

    by_file = owner.wait(owner.submit("builtin/kalman", file=asset["id"])["id"], "completed")
    by_value = owner.wait(owner.submit("builtin/kalman", **values)["id"], "completed")

    made = json.loads(owner.content(by_file["outputs"][0]["asset_id"]))
    assert made["points"] == 4
    assert by_file["outputs"][0]["sha256"] == by_value["outputs"][0]["sha256"]


def test_a_film_that_came_by_form_goes_through_a_translation(owner: Caller, tmp_path: Path):
    write_clip(tmp_path / "clip.mp4", seconds=1)
    content = (tmp_path / "clip.mp4").read_bytes()
    asset = owner.upload(content, "clip.mp4")

    job = owner.submit("simulated/video-translation", video=asset["id"], delay_seconds=0)

    done = owner.wait(job["id"], "completed")
    assert (asset["width"], asset["height"], asset["duration_seconds"]) == (64, 36, 1.0)
    assert owner.content(done["outputs"][0]["asset_id"]) == content


@pytest.mark.parametrize(
    ("model", "field", "content"),
    [
        ("builtin/camera-move", "image", film()),
        ("builtin/camera-move", "image", NUMBERS["text/csv"][0]),
        ("builtin/kalman", "file", film()),
        ("simulated/video-translation", "video", pictures.picture()),
    ],
)
def test_a_model_refuses_an_asset_of_another_kind_by_its_field(owner: Caller, model: str, field: str, content: bytes):
    asset = owner.upload(content)

    refused = owner.http.post("/v1/jobs", json={"model": model, "input": {field: asset["id"]}})

    (fault,) = expect(422, refused)["errors"]
    assert (fault["pointer"], fault["code"]) == (f"#/input/{field}", "wrong_media_type")
    assert asset["content_type"] in fault["detail"]
