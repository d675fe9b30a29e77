"""Pictures from addresses: kept like uploads, refused like uploads, and never from where only we can look."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reelwork.domain.account import Scope
from testkit import pictures
from testkit.caller import Caller, expect
from testkit.films import webm
from testkit.forbidden_urls import FORBIDDEN
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until
from testkit.website import Page, Website, endless, page, redirect, running_website, silent

pytestmark = pytest.mark.security

JPEG = pictures.picture(size=(64, 40))
MIB = 1024 * 1024
FETCH_SECONDS = 4.0  # also how long a hanging fetch holds its berth: long enough for what is asked meanwhile
PAGES: dict[str, Page] = {
    "/photo.jpg": page(JPEG, Content_Type="text/html"),
    "/a%20b/caf%C3%A9.png": page(pictures.picture("image/png", size=(64, 40))),
    "/moved": redirect("/photo.jpg"),
    "/to-metadata": redirect("http://169.254.169.254/latest/meta-data/"),
    "/page.html": page(b"<!DOCTYPE html>", Content_Type="image/jpeg"),
    "/empty": page(),
    "/film.webm": page(webm(), Content_Type="text/plain"),
    "/tides": page(b"level\n1.5\n2\n", Content_Type="text/html"),
    "/half.csv": page(b"1,2\n3\n"),
    "/half.jpg": page(JPEG[: len(JPEG) // 2]),
    "/large": page(length=2 * MIB + 1),
    "/endless": endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65_536)),
    "/gone": page(status="410 Gone"),
    "/hangs": silent(),
}


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    with running_website(PAGES) as running:
        yield running


@pytest.fixture(scope="module")
def fetching(mongo_url: str, s3: S3Service, site: Website) -> Iterator[Stack]:
    """A gateway that may fetch from this machine, as one for development may."""
    with running_stack(
        Servers(mongo_url=mongo_url, s3=s3),
        workers=0,
        fetch_allow="127.0.0.0/8",
        fetch_plain_http=True,
        fetch_ports=f"443,80,{site.port}",
        fetch_seconds=FETCH_SECONDS,
        fetches_at_once=8,
        upload_limit_bytes=2 * MIB,
    ) as stack:
        yield stack


def fetch(caller: Caller, url: str, *, key: str | None = None, **fields: object) -> Any:  # the client's own answer
    headers = {"Idempotency-Key": key} if key else {}
    return caller.http.post("/v1/assets/from-url", json={"url": url, **fields}, headers=headers)


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("/photo.jpg?size=large#top", {}, "photo.jpg"),
        ("/moved", {}, "photo.jpg"),
        ("/photo.jpg", {"filename": "../../mine.jpg", "purpose": "input"}, "mine.jpg"),
        ("/a%20b/caf%C3%A9.png", {}, "café.png"),
    ],
)
def test_a_picture_is_fetched_and_kept_like_an_upload(
    fetching: Stack, site: Website, path: str, fields: dict[str, str], name: str
):
    answer = fetch(fetching.owner, site.url + path, **fields)

    asset = expect(201, answer)
    assert answer.headers["location"] == f"/v1/assets/{asset['id']}"
    assert (asset["filename"], asset["width"], asset["purpose"]) == (name, 64, "input")
    assert expect(200, fetching.owner.http.get(answer.headers["location"])) == asset
    if path.endswith(".jpg"):
        assert fetching.owner.content(asset["id"]) == JPEG


@pytest.mark.parametrize(("path", "media_type"), [("/film.webm", "video/webm"), ("/tides", "text/csv")])
def test_films_and_numbers_are_fetched_too_and_told_by_their_bytes(
    fetching: Stack, site: Website, path: str, media_type: str
):
    asset = expect(201, fetch(fetching.owner, site.url + path))

    assert (asset["content_type"], asset["filename"]) == (media_type, path[1:])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/to-metadata", 422, "url_refused"),
        ("/page.html", 415, "unsupported_media_type"),
        ("/empty", 422, "invalid_input"),
        ("/half.jpg", 422, "invalid_input"),
        ("/half.csv", 422, "invalid_input"),
        ("/large", 413, "upload_too_large"),
        ("/endless", 413, "upload_too_large"),
    ],
)
def test_what_is_no_picture_for_us_is_refused_by_the_field_and_nothing_is_stored(
    fetching: Stack, site: Website, path: str, status: int, code: str
):
    before = fetching.stored()

    problem = expect(status, fetch(fetching.owner, site.url + path))

    assert problem["code"] == code
    assert [error["pointer"] for error in problem["errors"]] == ["#/url"]
    assert not fetching.added_since(before)


@pytest.mark.parametrize("path", ["/gone", "/missing", "/hangs"])
def test_a_failed_fetch_may_be_tried_again(fetching: Stack, site: Website, path: str):
    problem = expect(502, fetch(fetching.owner, site.url + path))

    assert (problem["code"], problem["retryable"]) == ("fetch_failed", True)


def test_our_own_address_gives_nothing_that_a_stranger_would_not_get(fetching: Stack, site: Website):
    """Without a key of its own the gateway is a stranger to itself; here not even the port is open."""
    problem = expect(422, fetch(fetching.owner, f"{fetching.base_url}/v1/assets"))

    assert problem["errors"][0]["code"] == "port"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": 7},
        {"url": None},
        {"url": f"https://example.com/{'a' * 100_000}"},
        {"url": "https://example.com/", "purpose": "output"},
        {"url": "https://example.com/", "headers": {"Authorization": "Bearer x"}},
        {"url": "https://example.com/", "filename": "a" * 256},
    ],
)
def test_a_body_of_another_shape_is_refused(owner: Caller, body: dict[str, object]):
    problem = expect(422, owner.http.post("/v1/assets/from-url", json=body))

    assert problem["code"] == "invalid_input"


@pytest.mark.parametrize("name", ["loopback, https", "mapped metadata, https", "localhost, http", "a file", "port 25"])
def test_a_forbidden_address_is_refused_by_a_gateway_as_it_is_installed(owner: Caller, stack: Stack, name: str):
    problem = expect(422, fetch(owner, FORBIDDEN[name].replace("{port}", str(stack.port))))

    assert problem["code"] == "url_refused"
    assert problem["errors"][0]["pointer"] == "#/url"


def test_it_wants_the_scope_of_uploads(stack: Stack, nobody: Caller):
    reader = stack.caller("reader", scopes=frozenset({Scope.READ}))

    assert expect(403, fetch(reader, "https://example.com/"))["code"] == "scope_missing"
    assert expect(401, fetch(nobody, "https://example.com/"))["code"] == "missing_credentials"


def test_a_repeated_request_gets_the_first_ones_asset_and_fetches_once(fetching: Stack, site: Website):
    url, before = f"{site.url}/photo.jpg?once", len(site.requests)

    first = fetch(fetching.owner, url, key="picture-1")
    again = fetch(fetching.owner, url, key="picture-1")
    other = fetch(fetching.owner, f"{url}&other", key="picture-1")

    assert expect(201, again) == expect(201, first)
    assert again.headers["idempotency-replayed"] == "true"
    assert expect(422, other)["code"] == "idempotency_key_mismatch"
    assert len(site.requests) == before + 1


def test_a_failed_fetch_does_not_use_its_key_up(fetching: Stack, site: Website):
    for _ in range(2):
        assert expect(502, fetch(fetching.owner, f"{site.url}/gone", key="picture-2"))["code"] == "fetch_failed"


def test_one_account_has_a_quarter_of_the_fetches_and_others_are_served_meanwhile(fetching: Stack, site: Website):
    other, before = fetching.caller("other"), len(site.requests)
    with ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(fetch, fetching.owner, f"{site.url}/hangs") for _ in range(2)]
        until(lambda: len(site.requests) == before + 2)

        refused = fetch(fetching.owner, f"{site.url}/photo.jpg")
        served = fetch(other, f"{site.url}/photo.jpg")
        alive = fetching.owner.http.get("/healthz")

        assert [call.result().status_code for call in slow] == [502, 502]
    assert expect(429, refused)["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) >= 1
    assert (served.status_code, alive.status_code) == (201, 200)
