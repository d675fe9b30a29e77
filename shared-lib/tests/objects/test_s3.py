"""What the object store promises, on a real S3."""

import hashlib
import os
import socket
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from prometheus_client import REGISTRY

from reelwork.objects.direct import ObjectReader
from reelwork.objects.errors import ObjectMissing, ObjectStoreDown, RangeOutside
from reelwork.objects.s3 import SINGLE_PUT_BYTES, ObjectStore, S3Options
from reelwork.objects.stream import CHUNK_BYTES
from testkit.services import Bucket, S3Service

TEXT = bytes(range(256)) * 4096  # 1 MiB: more than one chunk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "made.bin"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
async def unreachable(options: S3Options) -> AsyncIterator[ObjectStore]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused for as long as the test runs
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with ObjectStore.open(replace(options, endpoint_url=address)) as opened:
            yield opened


async def test_a_stored_file_is_described_by_its_facts(store: ObjectStore, file: Path) -> None:
    digest = hashlib.sha256(TEXT).hexdigest()

    await store.put_file("jobs/1/out.mp4", file, "video/mp4", sha256=digest)

    facts = await store.head("jobs/1/out.mp4")
    assert (facts.size_bytes, facts.content_type, facts.sha256) == (len(TEXT), "video/mp4", digest)
    assert abs(facts.modified_at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_bytes_that_do_not_match_their_digest_are_refused(store: ObjectStore, file: Path) -> None:
    other = hashlib.sha256(b"something else").hexdigest()

    with pytest.raises(ObjectStoreDown, match=r"BadDigest|Checksum"):
        await store.put_file("jobs/1/out.mp4", file, "video/mp4", sha256=other)

    with pytest.raises(ObjectMissing):
        await store.head("jobs/1/out.mp4")


async def test_a_fetched_file_has_the_bytes_that_were_stored(store: ObjectStore, file: Path, tmp_path: Path) -> None:
    await store.put_file("a", file, "video/mp4")

    await store.get_file("a", tmp_path / "fetched.bin")

    assert (tmp_path / "fetched.bin").read_bytes() == TEXT


async def test_every_request_of_a_look_at_an_object_is_counted(store: ObjectStore, file: Path) -> None:
    def counted(outcome: str = "ok") -> tuple[float, float]:
        seen = [
            REGISTRY.get_sample_value("reelwork_s3_seconds_count", {"operation": name, "outcome": outcome}) or 0
            for name in ("get_object", "read")
        ]
        return seen[0], seen[1]

    def look(reader: ObjectReader) -> int:
        return sum(map(len, reader.chunks())) + len(reader.at(10, 100)) + len(reader.at(20, 100))

    await store.put_file("a", file, "video/mp4")
    (asked, read), (refused, _) = counted(), counted("refused")

    assert await store.reading("a", len(TEXT), look, anyio.CapacityLimiter(1)) == len(TEXT) + 200
    with pytest.raises(ObjectMissing):
        await store.reading("nothing", 10, look, anyio.CapacityLimiter(1))

    assert counted()[0] == asked + 3
    assert counted()[1] >= read + 3
    assert counted("refused")[0] == refused + 1


async def test_what_is_not_there_is_missing_and_leaves_no_file(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing):
        await store.head("nothing")
    with pytest.raises(ObjectMissing):
        await store.open_range("nothing")
    with pytest.raises(ObjectMissing):
        await store.get_file("nothing", tmp_path / "fetched.bin")

    assert os.listdir(tmp_path) == []  # noqa: PTH208  (one call, no I/O worth a thread)


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (0, None, TEXT),
        (0, 0, TEXT[:1]),
        (100, 199, TEXT[100:200]),
        (len(TEXT) - 5, None, TEXT[-5:]),
        (len(TEXT) - 5, len(TEXT) + 1000, TEXT[-5:]),
        (1, CHUNK_BYTES * 3, TEXT[1 : CHUNK_BYTES * 3 + 1]),
    ],
)
async def test_a_range_is_streamed_in_small_chunks(
    store: ObjectStore, file: Path, start: int, end: int | None, wanted: bytes
) -> None:
    await store.put_file("a", file, "video/mp4")

    stream = await store.open_range("a", start, end)
    chunks = [chunk async for chunk in stream]

    assert b"".join(chunks) == wanted
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert (stream.extent.length, stream.extent.size_bytes) == (len(wanted), len(TEXT))
    assert (stream.extent.start, stream.extent.content_type) == (start, "video/mp4")


async def test_a_range_behind_the_end_is_outside(store: ObjectStore, file: Path) -> None:
    await store.put_file("a", file, "video/mp4")

    with pytest.raises(RangeOutside):
        await store.open_range("a", len(TEXT))


async def test_an_upside_down_range_is_refused_at_once(store: ObjectStore) -> None:
    with pytest.raises(ValueError, match="not a range"):
        await store.open_range("a", 5, 4)


async def test_an_empty_object_is_an_empty_stream(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    await store.put_file("a", tmp_path / "empty", "text/plain")

    async with await store.open_range("a") as stream:
        assert [chunk async for chunk in stream] == []


async def test_streams_that_are_left_half_read_do_not_use_up_the_connections(store: ObjectStore, file: Path) -> None:
    await store.put_file("a", file, "video/mp4")

    for _ in range(40):  # more than twice the connection pool
        async with await store.open_range("a") as stream:
            await anext(stream)

    await store.ping()


async def test_a_large_file_goes_up_and_down_in_parts_without_being_held(store: ObjectStore, tmp_path: Path) -> None:
    large, fetched = tmp_path / "large.bin", tmp_path / "fetched.bin"
    with large.open("wb") as out:
        out.truncate(SINGLE_PUT_BYTES + 5)
        out.seek(SINGLE_PUT_BYTES)
        out.write(b"tail!")
    tracemalloc.start()
    try:
        await store.put_file("large", large, "video/mp4", sha256="ab" * 32)
        await store.get_file("large", fetched)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < SINGLE_PUT_BYTES / 2
    assert fetched.stat().st_size == SINGLE_PUT_BYTES + 5
    assert fetched.read_bytes()[-5:] == b"tail!"
    assert (await store.head("large")).sha256 == "ab" * 32


async def test_deleting_is_idempotent_and_leaves_the_others(store: ObjectStore, file: Path) -> None:
    for key in ("a/1", "a/2", "b/1"):
        await store.put_file(key, file, "video/mp4")

    await store.delete(["a/1", "a/2", "never/there"])
    await store.delete([])

    assert [key async for key in store.list_keys("")] == ["b/1"]


async def test_more_keys_than_one_page_are_listed_and_deleted(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x")
    wanted = [f"many/{number:04}" for number in range(1003)]
    for key in wanted:
        await store.put_file(key, tmp_path / "small", "text/plain")
    await store.put_file("other", tmp_path / "small", "text/plain")

    listed = [key async for key in store.list_keys("many/")]
    await store.delete(listed)

    assert listed == wanted
    assert [key async for key in store.list_keys("")] == ["other"]


async def test_a_sweep_sees_only_what_is_old_enough(store: ObjectStore, file: Path) -> None:
    await store.put_file("a", file, "video/mp4")
    now = datetime.now(UTC)

    assert [key async for key in store.list_keys("", before=now - timedelta(days=1))] == []
    assert [key async for key in store.list_keys("", before=now + timedelta(days=1))] == ["a"]


async def test_a_bucket_is_made_once_and_may_be_asked_for_again(options: S3Options, file: Path) -> None:
    async with ObjectStore.open(replace(options, bucket=f"{options.bucket}-made")) as store:
        with pytest.raises(ObjectStoreDown):
            await store.ping()

        await store.ensure_bucket()
        await store.ensure_bucket()

        await store.ping()
        await store.put_file("a", file, "video/mp4")
        await store.delete(["a"])


async def test_a_missing_bucket_is_a_broken_store_not_a_missing_object(options: S3Options) -> None:
    async with ObjectStore.open(replace(options, bucket=f"{options.bucket}-never")) as store:
        with pytest.raises(ObjectStoreDown):
            await store.open_range("a")


async def test_wrong_credentials_are_told_apart_from_missing_objects(options: S3Options) -> None:
    async with ObjectStore.open(replace(options, secret_key="not-the-secret")) as store:
        with pytest.raises(ObjectStoreDown, match="refused"):
            await store.ping()


async def test_an_unreachable_store_is_down_and_says_so(unreachable: ObjectStore, file: Path) -> None:
    with pytest.raises(ObjectStoreDown, match="does not answer"):
        await unreachable.ping()
    with pytest.raises(ObjectStoreDown):
        await unreachable.put_file("a", file, "video/mp4")


def test_the_secret_is_not_shown(options: S3Options) -> None:
    assert options.secret_key not in repr(options)


async def test_uploads_that_were_begun_long_ago_are_ended_and_their_parts_let_go(
    store: ObjectStore, s3: S3Service, s3_bucket: Bucket
) -> None:
    client = s3.client()
    begun = client.create_multipart_upload(Bucket=s3_bucket.name, Key="accounts/a/b.bin")
    part = {"Bucket": s3_bucket.name, "Key": "accounts/a/b.bin", "UploadId": begun["UploadId"], "PartNumber": 1}
    client.upload_part(**part, Body=TEXT)

    early = await store.abort_uploads(datetime.now(UTC) - timedelta(hours=1))
    before = client.list_multipart_uploads(Bucket=s3_bucket.name).get("Uploads", [])
    late = await store.abort_uploads(datetime.now(UTC) + timedelta(hours=1))

    after = client.list_multipart_uploads(Bucket=s3_bucket.name).get("Uploads", [])
    client.close()
    assert (early, len(before), late, after) == (0, 1, 1, [])
    assert await store.abort_uploads(datetime.now(UTC) + timedelta(hours=1)) == 0
