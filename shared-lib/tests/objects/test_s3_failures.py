"""A store that freezes, dies and comes back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore, S3Options
from reelwork.objects.stream import ObjectStream
from testkit.services import S3Service

SIZE = 48 * 1024 * 1024  # far more than the socket buffers between a server and us


@pytest.fixture
async def own_store(own_s3: S3Service) -> AsyncIterator[ObjectStore]:
    options = S3Options(
        endpoint_url=own_s3.endpoint_url,
        public_endpoint_url=own_s3.endpoint_url,
        region=own_s3.region,
        bucket="disturbed",
        access_key=own_s3.keys.name,
        secret_key=own_s3.keys.secret,
        connect_timeout=timedelta(seconds=1),
        read_timeout=timedelta(seconds=1),
        attempts=2,
    )
    async with ObjectStore.open(options) as store:
        await store.ensure_bucket()
        yield store


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.bin"
    with path.open("wb") as out:
        out.truncate(SIZE)
    return path


async def read_to_end(stream: ObjectStream) -> int:
    return sum([len(chunk) async for chunk in stream])


async def test_a_frozen_store_is_down_and_works_again_afterwards(own_s3: S3Service, own_store: ObjectStore) -> None:
    own_s3.pause()
    try:
        with pytest.raises(ObjectStoreDown, match="ReadTimeout"):
            await own_store.ping()
    finally:
        own_s3.resume()

    await own_store.ping()


async def test_a_store_that_dies_ends_its_streams_with_an_error(
    own_s3: S3Service, own_store: ObjectStore, big: Path
) -> None:
    await own_store.put_file("big", big, "video/mp4")
    stream = await own_store.open_range("big")
    await anext(stream)

    own_s3.kill()

    with pytest.raises(ObjectStoreDown):
        await read_to_end(stream)


async def test_a_fetch_that_breaks_off_leaves_no_file_and_succeeds_later(
    own_s3: S3Service, own_store: ObjectStore, big: Path, tmp_path: Path
) -> None:
    await own_store.put_file("big", big, "video/mp4")
    (tmp_path / "scratch").mkdir()
    own_s3.kill()

    with pytest.raises(ObjectStoreDown):
        await own_store.get_file("big", tmp_path / "scratch" / "fetched")
    left = list((tmp_path / "scratch").iterdir())
    own_s3.start()
    await own_store.get_file("big", tmp_path / "scratch" / "fetched")

    assert left == []
    assert (tmp_path / "scratch" / "fetched").stat().st_size == SIZE
