"""Addresses that are given to browsers: they work for exactly what was signed, and only for a while."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest

from reelwork.objects.s3 import ObjectStore, S3Options

SOON = timedelta(minutes=5)


@pytest.fixture
async def key(store: ObjectStore, tmp_path: Path) -> str:
    (tmp_path / "a.mp4").write_bytes(b"0123456789")
    await store.put_file("jobs/1/a.mp4", tmp_path / "a.mp4", "application/octet-stream")
    return "jobs/1/a.mp4"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def presigned(store: ObjectStore, key: str, *, expires: timedelta = SOON, filename: str = "Ferien.mp4") -> str:
    return store.presign_get(
        key, expires=expires, filename=filename, content_type="video/mp4", disposition="attachment"
    )


async def test_an_address_serves_the_object_under_our_name_and_type(
    store: ObjectStore, key: str, http: httpx.AsyncClient
) -> None:
    answer = await http.get(presigned(store, key, filename="Fähre 7.mp4"))

    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Fahre 7.mp4\"; filename*=UTF-8''F%C3%A4hre%207.mp4"
    )


async def test_an_address_serves_ranges(store: ObjectStore, key: str, http: httpx.AsyncClient) -> None:
    answer = await http.get(presigned(store, key), headers={"Range": "bytes=2-4"})

    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Expires=300", "X-Amz-Expires=301"),
        ("video%2Fmp4", "text%2Fhtml"),
        ("attachment", "inline"),
        ("a.mp4?", "b.mp4?"),
    ],
)
async def test_an_address_that_was_changed_is_refused(
    store: ObjectStore, key: str, http: httpx.AsyncClient, was: str, becomes: str
) -> None:
    address = presigned(store, key)
    assert was in address

    answer = await http.get(address.replace(was, becomes))

    assert answer.status_code == 403


async def test_an_address_does_not_allow_writing(store: ObjectStore, key: str, http: httpx.AsyncClient) -> None:
    answer = await http.put(presigned(store, key), content=b"other")

    assert answer.status_code == 403
    assert (await store.head(key)).size_bytes == 10


async def test_an_address_that_has_run_out_is_refused(store: ObjectStore, key: str, http: httpx.AsyncClient) -> None:
    address = presigned(store, key, expires=timedelta(seconds=1))

    # there is no clock to move in a real S3: ask until it refuses, which the test's time limit bounds
    while (answer := await http.get(address)).status_code == 200:
        pass

    assert answer.status_code == 403


async def test_an_address_is_signed_for_the_public_host_and_no_other(
    options: S3Options, key: str, http: httpx.AsyncClient
) -> None:
    public = options.endpoint_url.replace("127.0.0.1", "localhost")
    async with ObjectStore.open(replace(options, public_endpoint_url=public)) as store:
        address = presigned(store, key)

    assert address.startswith(public)
    assert (await http.get(address)).status_code == 200
    assert (await http.get(address.replace("localhost", "127.0.0.1"))).status_code == 403


async def test_the_public_host_need_not_be_reachable_from_here(options: S3Options) -> None:
    async with ObjectStore.open(replace(options, public_endpoint_url="https://media.invalid")) as store:
        address = presigned(store, "a")

        await store.ping()

    assert urlsplit(address).netloc == "media.invalid"
    assert parse_qs(urlsplit(address).query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


@pytest.mark.parametrize("expires", [timedelta(0), timedelta(seconds=-1), timedelta(days=7, seconds=1)])
def test_an_impossible_life_is_refused(store: ObjectStore, expires: timedelta) -> None:
    with pytest.raises(ValueError, match="seven days"):
        presigned(store, "a", expires=expires)
