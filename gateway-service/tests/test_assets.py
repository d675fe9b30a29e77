"""POST and GET /v1/assets: pictures in, and everything that is stored, by pages."""

import hashlib
import re

import pytest

from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security


@pytest.mark.parametrize("media_type", pictures.FORMATS)
def test_every_kind_of_picture_is_taken_and_measured(owner: Caller, media_type: str):
    content = pictures.picture(media_type, size=(64, 40))

    answer = owner.http.post("/v1/assets", files={"file": ("holiday", content)})

    asset = expect(201, answer)
    assert answer.headers["location"] == f"/v1/assets/{asset['id']}"
    assert re.fullmatch(r"asset_[0-9a-z]{26}", asset["id"])
    assert (asset["kind"], asset["purpose"], asset["content_type"]) == ("image", "input", media_type)
    assert (asset["width"], asset["height"]) == (64, 40)
    assert (asset["bytes"], asset["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert owner.content(asset["id"]) == content
    assert expect(200, owner.http.get(f"/v1/assets/{asset['id']}")) == asset


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize(("orientation", "shown"), [(1, (64, 40)), (3, (64, 40)), (6, (40, 64)), (8, (40, 64))])
def test_a_picture_is_measured_as_it_is_shown(owner: Caller, media_type: str, orientation: int, shown: tuple[int, int]):
    asset = owner.upload(pictures.picture(media_type, size=(64, 40), orientation=orientation))

    assert (asset["width"], asset["height"]) == shown


def test_an_animation_is_taken_as_a_picture(owner: Caller):
    assert owner.upload(pictures.animation(), "dance.gif")["content_type"] == "image/gif"


@pytest.mark.parametrize(("name", "declared"), [("photo.exe", "text/html"), ("", "image/gif"), ("x.mp4", "video/mp4")])
def test_what_a_file_is_called_and_said_to_be_does_not_count(owner: Caller, name: str, declared: str):
    answer = owner.http.post("/v1/assets", files={"file": (name or "x", pictures.picture(), declared)})

    assert expect(201, answer)["content_type"] == "image/jpeg"


def test_the_same_picture_twice_makes_two_assets(owner: Caller):
    first, second = owner.upload(pictures.picture()), owner.upload(pictures.picture())

    assert first["id"] != second["id"]
    assert first["sha256"] == second["sha256"]


def test_a_picture_of_the_largest_size_is_taken(owner: Caller):
    content = pictures.padded(32 * 1024 * 1024)

    assert owner.upload(content)["bytes"] == len(content)


def test_assets_are_listed_newest_first_and_outputs_name_their_job(stack: Stack):
    caller = stack.caller("collector")
    uploaded = [caller.upload(pictures.picture(size=(8, 8)))["id"] for _ in range(3)]
    job = caller.wait(caller.submit()["id"])

    items = _page(caller)["items"]

    assert [asset["id"] for asset in items] == [job["outputs"][0]["asset_id"], *uploaded[::-1]]
    assert [asset["purpose"] for asset in items] == ["output", "input", "input", "input"]
    assert (items[0]["job_id"], items[0]["filename"]) == (job["id"], "noop.txt")
    assert [asset["id"] for asset in _page(caller, purpose="input")["items"]] == uploaded[::-1]
    assert [asset["id"] for asset in _page(caller, kind="text")["items"]] == [items[0]["id"]]
    assert _page(caller, kind="video")["items"] == []
    first = _page(caller, limit=3)
    assert first["has_more"]
    assert [asset["id"] for asset in _page(caller, limit=3, cursor=first["next_cursor"])["items"]] == uploaded[:1]


def _page(caller: Caller, **query: object) -> Json:
    return expect(200, caller.http.get("/v1/assets", params=query))
