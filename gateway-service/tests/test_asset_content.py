"""GET /v1/assets/{id}/content: by a signed address, or through the gateway with ranges (RFC 9110, section 14)."""

from typing import Any

import httpx2 as httpx
import pytest

from testkit import pictures
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

pytestmark = pytest.mark.security

SIZE = 5000
LAST = SIZE - 1
CONTENT = pictures.padded(SIZE)


@pytest.fixture(scope="module")
def asset(owner: Caller) -> Json:
    return owner.upload(CONTENT, "holiday.jpg")


def test_the_address_redirects_to_a_signed_one_that_needs_no_key(owner: Caller, asset: Json):
    answer = owner.http.get(asset["url"])

    assert answer.status_code == 302
    assert answer.headers["cache-control"] == "no-store"
    fetched = httpx.get(answer.headers["location"])
    assert (fetched.status_code, fetched.content) == (200, CONTENT)
    assert fetched.headers["content-type"] == "image/jpeg"
    assert fetched.headers["content-disposition"] == 'inline; filename="holiday.jpg"'


def test_a_signed_address_can_be_had_as_json(owner: Caller, asset: Json):
    answer = owner.http.get(asset["url"], params={"redirect": "false"})

    link = expect(200, answer)
    assert answer.headers["cache-control"] == "no-store"
    assert link.keys() == {"url", "expires_at"}
    assert httpx.get(link["url"]).content == CONTENT


def test_a_signed_address_that_was_changed_is_refused(owner: Caller, asset: Json):
    link = expect(200, owner.http.get(asset["url"], params={"redirect": "false"}))["url"]

    assert httpx.get(link.replace("inline", "attachment")).status_code == 403


def test_bytes_come_through_the_gateway_when_asked_to_proxy(owner: Caller, asset: Json):
    answer = _proxied(owner, asset)

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{asset["sha256"]}"'
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=0-0", 0, 0),
        ("bytes=4000-", 4000, LAST),
        ("bytes=0-", 0, LAST),
        ("bytes=-100", SIZE - 100, LAST),
        ("bytes=-999999999", 0, LAST),
        ("bytes=4990-999999999", 4990, LAST),
        (f"bytes={LAST}-{LAST}", LAST, LAST),
    ],
)
def test_a_range_brings_just_that_part(owner: Caller, asset: Json, asked: str, first: int, last: int):
    answer = _proxied(owner, asset, asked)

    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=abc",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=1-2-3",
        "bytes=0-1,5-6",
        "bytes=" + ",".join(["0-"] * 5000),
        "lines=1-2",
        "0-5",
        "bytes=-" + "9" * 30,
        "bytes=0x0-0x5",
    ],
)
def test_a_range_that_is_none_is_ignored(owner: Caller, asset: Json, asked: str):
    answer = _proxied(owner, asset, asked)

    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=999999-", "bytes=-0", f"bytes={SIZE}-{SIZE + 5}"])
def test_a_range_behind_the_end_is_refused_with_the_size(owner: Caller, asset: Json, asked: str):
    answer = _proxied(owner, asset, asked)

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


def test_an_empty_output_can_be_fetched(owner: Caller):
    output = owner.wait(owner.submit(size_bytes=0)["id"])["outputs"][0]

    assert owner.content(output["asset_id"]) == b""
    assert _proxied(owner, output).content == b""
    assert _proxied(owner, output, "bytes=0-").status_code == 416


def test_download_asks_browsers_to_save(owner: Caller, asset: Json):
    assert _proxied(owner, asset, download="true").headers["content-disposition"].startswith("attachment;")
    signed = owner.http.get(asset["url"], params={"download": "true"}).headers["location"]
    assert httpx.get(signed).headers["content-disposition"] == 'attachment; filename="holiday.jpg"'


NASTY = {
    "a folder": "../../etc/passwd.jpg",
    "a Windows folder": "C:\\Windows\\win.jpg",
    "a device": "con",
    "a header": 'x.jpg"\r\nSet-Cookie: a=b',
    "quotes": 'a"b;filename=evil.exe',
    "a NUL": "a\x00.jpg",
    "right to left": "photo\u202egpj.exe",
    "emoji": "😀 été.jpg",
    "Chinese": "图片.jpg",
    "nothing": " ",
    "dots": "...",
    "very long": "x" * 4000 + ".jpg",
}


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY.keys())
def test_a_nasty_file_name_does_no_harm(owner: Caller, name: str):
    uploaded = owner.http.post("/v1/assets", files={"file": (name, pictures.picture(size=(8, 8)))})

    asset = expect(201, uploaded)
    kept = asset["filename"]
    assert 0 < len(kept) <= 100
    assert kept.isprintable()
    assert not set(kept) & set('/\\"<>:|?*')
    for answer in (_proxied(owner, asset), httpx.get(owner.http.get(asset["url"]).headers["location"])):
        assert answer.status_code == 200
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith('inline; filename="')
        assert disposition.isprintable()
        assert "set-cookie" not in answer.headers
        assert not any(part.strip().startswith("filename=evil") for part in disposition.split(";"))


def test_an_asset_whose_bytes_were_taken_away_is_gone_and_not_a_fault(owner: Caller, stack: Stack):
    asset = owner.upload(pictures.picture(size=(8, 8)))
    with stack.documents() as database:
        stack.remove_object(database["assets"].find_one({"_id": asset["id"]})["key"])

    assert expect(404, _proxied(owner, asset))["code"] == "asset_not_found"


def test_an_operator_may_have_all_content_sent_through_the_gateway(mongo_url: str, s3: S3Service):
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), delivery="proxy") as stack:
        asset = stack.owner.upload(CONTENT)

        assert stack.owner.http.get(asset["url"]).content == CONTENT
        assert stack.owner.http.get(asset["url"], headers={"Range": "bytes=0-9"}).status_code == 206
        assert expect(200, stack.owner.http.get(asset["url"], params={"redirect": "false"}))["url"]


def _proxied(owner: Caller, asset: Json, asked: str | None = None, **query: Any) -> httpx.Response:
    asset_id = asset.get("asset_id") or asset["id"]
    headers = {"Range": asked} if asked is not None else {}
    return owner.http.get(f"/v1/assets/{asset_id}/content", params={"proxy": "true", **query}, headers=headers)
