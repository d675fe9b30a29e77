"""From stored bytes to an asset, whoever dies, waits or comes second; real MongoDB and S3."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import httpx2 as httpx
import pytest

from gateway.services.completion import Completion
from gateway.services.direct_uploads import DirectUploads, Progress
from gateway.services.stored_check import StoredCheck
from gateway.services.upload_terms import UploadTerms
from reelwork.contract.uploads import UploadBody
from reelwork.domain.asset import Asset
from reelwork.domain.errors import HashMismatch, InvalidState
from reelwork.domain.ids import new_account_id
from reelwork.domain.upload import Upload, UploadState
from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.tasks import running
from reelwork.store.client import DatabaseClock
from testkit.films import film
from testkit.services import Bucket
from testkit.uploads import MIB, PART, declared
from testkit.world import NO_BUCKET, World, open_world

OWNER = new_account_id()
FILM = film(PART + 1000)
LEASE = timedelta(seconds=30)
TERMS = UploadTerms(
    limit_bytes=100 * MIB,
    picture_limit_bytes=MIB,
    multipart_bytes=PART,
    part_bytes=PART,
    life=timedelta(hours=1),
    per_account=100,
)


@pytest.fixture
async def world(mongo_url: str, mongo_database: str, s3_bucket: Bucket) -> AsyncIterator[World]:
    async with open_world(mongo_url, mongo_database, bucket=s3_bucket) as opened:
        yield opened


@asynccontextmanager
async def a_gateway(
    world: World, *, patience: float = 20.0, objects: ObjectStore | None = None
) -> AsyncIterator[DirectUploads]:
    """The uploads of one gateway, which ends with the context."""
    store = objects or world.objects
    check = StoredCheck(store, decoders=anyio.CapacityLimiter(2), limit_pixels=MIB)
    completion = Completion(world.stores, store, world.sweeper, check, patience=timedelta(seconds=patience))
    clock = DatabaseClock(world.database)
    async with running(completion.run):
        yield DirectUploads(world.stores, store, world.sweeper, completion, clock=clock, terms=TERMS)


async def sent(uploads: DirectUploads, content: bytes = FILM, **fields: object) -> Upload:
    """An upload with everything sent."""
    begun = await uploads.begin(OWNER, UploadBody.model_validate(declared(content, **fields)))
    assert isinstance(begun, Progress)
    async with httpx.AsyncClient(trust_env=False) as web:
        for n, url in begun.part_urls:
            assert (await web.put(url, content=content[(n - 1) * PART : n * PART])).status_code == 200
    return begun.upload


async def _is_completed(world: World, upload: Upload) -> bool:
    found = await world.stores.uploads.of_id(upload.id)
    return found is not None and found.state is UploadState.COMPLETED


async def test_all_who_ask_at_once_get_the_same_asset(world: World):
    async with a_gateway(world) as here, a_gateway(world) as there:
        upload = await sent(here)

        answers = await asyncio.gather(*(one.complete(OWNER, upload.id, None) for one in (here, there) * 3))

        assets = [answer for answer in answers if isinstance(answer, Asset)]
        assert {asset.id for asset in assets} == {upload.asset_id}
        assert isinstance(await there.complete(OWNER, upload.id, None), Asset)
    assert await world.database["assets"].count_documents({}) == 1


async def test_a_check_goes_on_when_the_client_stops_waiting(world: World):
    async with a_gateway(world, patience=0) as uploads:
        upload = await sent(uploads)

        first = await uploads.complete(OWNER, upload.id, None)

        assert isinstance(first, Progress)
        assert first.upload.state is UploadState.CHECKING
        async with asyncio.timeout(30):
            while not await _is_completed(world, upload):  # noqa: ASYNC110  (a database has no event to wait for)
                await asyncio.sleep(0.02)
        assert isinstance(await uploads.complete(OWNER, upload.id, None), Asset)


async def test_what_a_gateway_leaves_at_its_end_another_takes_up(world: World):
    async with a_gateway(world, patience=0) as uploads:
        upload = await sent(uploads)
        await uploads.complete(OWNER, upload.id, None)

    async with a_gateway(world) as other:
        assert isinstance(await other.complete(OWNER, upload.id, None), Asset)


@pytest.mark.parametrize("joined", [True, False])
async def test_what_a_gateway_left_when_it_died_another_takes_up(world: World, joined: bool):
    async with a_gateway(world) as uploads:
        upload = await sent(uploads)
        assert upload.multipart is not None
        assert await world.stores.uploads.take(upload, "the dead", lease=LEASE)
        if joined:
            direct, name = world.objects.direct, upload.multipart.name
            await direct.join(upload.key, name, await direct.parts(upload.key, name))
        assert isinstance(await uploads.complete(OWNER, upload.id, None), Progress)

        await world.stores.uploads.renew(upload, "the dead", lease=-LEASE)

        assert isinstance(await uploads.complete(OWNER, upload.id, None), Asset)


async def test_an_upload_that_was_completed_and_not_committed_is_committed_by_whoever_asks(world: World):
    async with a_gateway(world) as uploads:
        upload = await sent(uploads)
        asset = await uploads.complete(OWNER, upload.id, None)
        assert isinstance(asset, Asset)
        await world.database["assets"].update_one({"_id": asset.id}, {"$set": {"state": "staged"}})

        assert await uploads.complete(OWNER, upload.id, None) == asset


async def test_a_store_that_goes_away_under_a_check_leaves_the_upload_to_be_completed_later(world: World):
    async with a_gateway(world) as uploads, ObjectStore.open(NO_BUCKET) as away:
        upload = await sent(uploads)
        check = StoredCheck(away, decoders=anyio.CapacityLimiter(1), limit_pixels=MIB)
        cut_off = Completion(world.stores, world.objects, world.sweeper, check)

        with pytest.raises(ObjectStoreDown):
            await cut_off.of(upload, ())

        assert isinstance(await uploads.complete(OWNER, upload.id, None), Asset)


async def test_a_refusal_is_the_same_for_whoever_asks_again_and_the_bytes_are_gone(world: World):
    async with a_gateway(world) as uploads:
        upload = await sent(uploads, sha256=hashlib.sha256(b"other").hexdigest())

        for _ in range(2):
            with pytest.raises(HashMismatch) as refused:
                await uploads.complete(OWNER, upload.id, None)
            assert refused.value.errors[0].pointer == "#/sha256"

    assert [key async for key in world.objects.list_keys("")] == []
    assert await world.database["assets"].count_documents({}) == 0


async def test_a_check_that_nobody_ended_in_time_is_not_begun_again(world: World):
    async with a_gateway(world) as uploads:
        upload = await sent(uploads)
        assert await world.stores.uploads.take(upload, "the dead", lease=-LEASE)
        await world.database["uploads"].update_one({"_id": upload.id}, {"$set": {"expires_at": upload.created_at}})

        with pytest.raises(InvalidState, match="expired"):
            await uploads.complete(OWNER, upload.id, None)
        found = await uploads.get(OWNER, upload.id)

    assert found.expired
