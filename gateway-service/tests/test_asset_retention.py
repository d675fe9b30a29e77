"""PATCH /v1/assets/{id}: how long an asset is kept, by its owner alone, and whatever names it meanwhile."""

import hashlib
from datetime import datetime, timedelta

import pytest

from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.uploads import declared
from testkit.waiting import until

PICTURE = pictures.picture(size=(64, 40))


def keep(caller: Caller, asset: Json, seconds: int | None) -> Json:
    return expect(200, caller.http.patch(f"/v1/assets/{asset['id']}", json={"retention_seconds": seconds}))


def overdue(stack: Stack, asset: Json) -> None:
    """A day later, as the asset has it."""
    with stack.documents() as database:
        assets = database["assets"]
        due = assets.find_one({"_id": asset["id"]})
        assert due is not None
        assets.update_one({"_id": asset["id"]}, {"$set": {"expires_at": due["expires_at"] - timedelta(days=1)}})


def is_gone(caller: Caller, asset: Json) -> bool:
    return caller.http.get(f"/v1/assets/{asset['id']}").status_code == 404


def test_an_asset_goes_when_its_time_is_over(stack: Stack, uploader: Caller):
    asset, other = uploader.upload(PICTURE), uploader.upload(pictures.picture(size=(32, 32)))
    assert asset["expires_at"] is None

    kept = keep(uploader, asset, 3600)
    expires = datetime.fromisoformat(kept["expires_at"]) - datetime.fromisoformat(kept["created_at"])
    keep(uploader, other, 3600)
    overdue(stack, asset)

    assert timedelta(seconds=3590) < expires < timedelta(seconds=4200)
    until(lambda: is_gone(uploader, asset))
    until(lambda: not [key for key in stack.stored().objects if asset["id"] in key])
    assert not is_gone(uploader, other)


def test_null_keeps_it_as_if_nothing_had_been_said(uploader: Caller):
    asset = uploader.upload(PICTURE)

    keep(uploader, asset, 60)

    assert keep(uploader, asset, None) == asset


def test_a_job_that_waits_keeps_what_it_names_until_it_has_ended(stack: Stack, uploader: Caller):
    asset = uploader.upload(PICTURE)
    later = {"not_before": (datetime.now().astimezone() + timedelta(days=30)).isoformat()}
    job = uploader.submit("builtin/camera-move", image=asset["id"], job=later)
    other = uploader.upload(pictures.picture(size=(32, 32)))
    for one in (asset, other):
        keep(uploader, one, 3600)
        overdue(stack, one)

    until(lambda: is_gone(uploader, other))
    assert not is_gone(uploader, asset)
    uploader.cancel(job["id"])

    until(lambda: is_gone(uploader, asset))


def test_what_is_about_to_go_is_not_handed_out_for_its_bytes(uploader: Caller):
    asset = uploader.upload(PICTURE)

    keep(uploader, asset, 60)

    expect(404, uploader.http.get(f"/v1/assets/by-hash/{hashlib.sha256(PICTURE).hexdigest()}"))
    assert expect(201, uploader.http.post("/v1/uploads", json=declared(PICTURE, "image/jpeg")))["status"] == "open"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/retention_seconds"),
        ({"retention_seconds": 59}, "#/retention_seconds"),
        ({"retention_seconds": 10**9}, "#/retention_seconds"),
        ({"retention_seconds": "60"}, "#/retention_seconds"),
        ({"retention_seconds": 60, "account_id": "acct_x"}, "#/account_id"),
        ({"retention_seconds": 60, "state": "ready", "key": "x"}, "#/key"),
        ({"expires_at": "2030-01-01T00:00:00Z"}, "#/expires_at"),
    ],
)
def test_other_fields_and_other_times_are_refused(uploader: Caller, body: Json, pointer: str):
    asset = uploader.upload(PICTURE)

    problem = expect(422, uploader.http.patch(f"/v1/assets/{asset['id']}", json=body))

    assert pointer in {error["pointer"] for error in problem["errors"]}
    assert expect(200, uploader.http.get(f"/v1/assets/{asset['id']}")) == asset


def test_nobody_elses_asset_is_there(uploader: Caller, stranger: Caller):
    asset = uploader.upload(PICTURE)

    for name in (asset["id"], f"asset_{'0' * 26}"):
        answer = stranger.http.patch(f"/v1/assets/{name}", json={"retention_seconds": 60})
        assert expect(404, answer)["code"] == "asset_not_found"

    assert expect(200, uploader.http.get(f"/v1/assets/{asset['id']}")) == asset
