"""Uploads under an id that was drawn before, as requests with an idempotency key make them: one wins."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from gateway.services.uploads import UploadService
from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.errors import IdempotencyInProgress
from reelwork.domain.ids import new_account_id, new_asset_id
from reelwork.engine.sweep import Sweeper
from testkit import pictures
from testkit.services import Bucket
from testkit.world import World, open_world

pytestmark = pytest.mark.security

OWNER = new_account_id()
SMALL, LARGE = pictures.picture(size=(64, 40)), pictures.picture(size=(96, 60))


@pytest.fixture
async def world(mongo_url: str, mongo_database: str, s3_bucket: Bucket) -> AsyncIterator[World]:
    async with open_world(mongo_url, mongo_database, bucket=s3_bucket) as opened:
        yield opened


@pytest.fixture
def uploads(world: World) -> UploadService:
    sweeper = Sweeper(world.stores, world.objects)
    return UploadService(world.stores.assets, world.objects, sweeper, limit_bytes=100_000, limit_pixels=100_000)


async def stored(world: World, asset: Asset) -> bytes:
    async with await world.objects.open_range(asset.key) as stream:
        return b"".join([chunk async for chunk in stream])


async def test_whoever_comes_second_gets_the_first_ones_asset_and_its_bytes_stay(world: World, uploads: UploadService):
    asset_id = new_asset_id()

    first = await uploads.upload(OWNER, io.BytesIO(SMALL), "first.jpg", asset_id=asset_id)
    second = await uploads.upload(OWNER, io.BytesIO(LARGE), "second.jpg", asset_id=asset_id)

    assert (second.id, second.filename, second.sha256) == (asset_id, "first.jpg", first.sha256)
    assert await stored(world, second) == SMALL


async def test_whoever_comes_while_the_first_is_under_way_is_told_to_come_again(world: World, uploads: UploadService):
    asset_id = new_asset_id()

    results = await asyncio.gather(
        *(uploads.upload(OWNER, io.BytesIO(content), "a.jpg", asset_id=asset_id) for content in (SMALL, LARGE) * 4),
        return_exceptions=True,
    )

    assets = [result for result in results if isinstance(result, Asset)]
    assert len({asset.sha256 for asset in assets}) == 1
    assert all(isinstance(result, Asset | IdempotencyInProgress) for result in results)
    kept = await world.stores.assets.get(OWNER, asset_id)
    assert kept is not None
    assert kept.state is AssetState.READY
    assert len(await stored(world, kept)) == kept.size_bytes
