"""Uploads whose time is over, in a real S3: what became an asset stays, and nothing else of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx2 as httpx
import pytest

from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.ids import AccountId, AssetId, new_account_id, new_upload_id
from reelwork.domain.upload import SWEPT_AFTER, Multipart, Refusal, Upload, UploadState
from reelwork.engine.sweep import Sweeper
from reelwork.objects.errors import ObjectMissing
from reelwork.store.assets import Assets
from reelwork.store.stores import Stores
from reelwork.store.uploads import Uploads
from testkit.storage import Storeroom, an_asset

NOW = datetime.now(UTC)
LEASE = timedelta(seconds=30)
OVER = NOW - SWEPT_AFTER - timedelta(minutes=1)
PART = 5 * 1024 * 1024


async def begun(room: Storeroom, *, expires_at: datetime = OVER, parts: bool = False, sent: bool = True) -> Upload:
    """An open upload, of which something was sent."""
    account, upload_id = new_account_id(), new_upload_id()
    key = f"accounts/{account}/uploads/{upload_id}"
    direct = room.world.objects.direct
    multipart = Multipart(name=await direct.begin(key, "video/mp4"), part_bytes=PART) if parts else None
    upload = Upload(
        id=upload_id,
        account_id=account,
        state=UploadState.OPEN,
        key=key,
        content_type="video/mp4",
        filename="film.mp4",
        size_bytes=PART + 1,
        sha256="0" * 64,
        created_at=expires_at - timedelta(days=1),
        expires_at=expires_at,
        multipart=multipart,
    )
    await room.world.stores.uploads.add(upload)
    if multipart is not None and sent:
        url = direct.presign_part(key, multipart.name, 2, expires=LEASE, size_bytes=1)
        async with httpx.AsyncClient(trust_env=False) as web:
            assert (await web.put(url, content=b"1")).status_code == 200
    elif sent:
        await _put(room, upload)
    return upload


async def _put(room: Storeroom, upload: Upload) -> None:
    path = await anyio.Path(room.folder / upload.id).absolute()
    await path.write_bytes(b"film")
    await room.world.objects.put_file(upload.key, Path(path), "video/mp4")


async def completed(room: Storeroom, *, committed: bool = True) -> tuple[Upload, Asset]:
    """In time; and then the time of the upload was over for long enough."""
    upload = await begun(room, expires_at=NOW + timedelta(days=1))
    asset = await _complete(room, upload, committed=committed)
    await _expire(room, upload, OVER)
    return upload, asset


async def _complete(room: Storeroom, upload: Upload, *, committed: bool = True) -> Asset:
    asset = an_asset(upload.account_id, id=upload.asset_id, key=upload.key, state=AssetState.STAGED)
    stores = room.world.stores
    assert await stores.uploads.take(upload, "me", lease=LEASE)
    await stores.assets.stage(asset)
    assert await stores.uploads.complete(upload, "me")
    if committed:
        await stores.assets.commit([asset.id])
    return asset


async def _expire(room: Storeroom, upload: Upload, at: datetime) -> None:
    await room.world.database["uploads"].update_one({"_id": upload.id}, {"$set": {"expires_at": at}})


async def is_there(room: Storeroom, upload: Upload) -> bool:
    try:
        await room.world.objects.head(upload.key)
    except ObjectMissing:
        return False
    return True


async def is_known(stores: Stores, upload: Upload) -> bool:
    return await stores.uploads.of_id(upload.id) is not None


@pytest.mark.parametrize("parts", [True, False])
async def test_an_upload_that_nobody_completed_is_swept_with_what_was_sent(storeroom: Storeroom, parts: bool) -> None:
    upload = await begun(storeroom, parts=parts)

    assert (await storeroom.world.reconciler.run_once())["assets"] == 1

    assert not await is_known(storeroom.world.stores, upload)
    assert not await is_there(storeroom, upload)
    if upload.multipart is not None:
        with pytest.raises(ObjectMissing):
            await storeroom.world.objects.direct.parts(upload.key, upload.multipart.name)


async def test_an_upload_that_may_still_be_checked_is_left_alone(storeroom: Storeroom) -> None:
    upload = await begun(storeroom, expires_at=datetime.now(UTC) - SWEPT_AFTER + timedelta(minutes=5))

    assert not await storeroom.world.reconciler.run_once()
    assert await is_there(storeroom, upload)


@pytest.mark.parametrize("committed", [True, False])
async def test_what_became_an_asset_stays_and_is_committed(storeroom: Storeroom, committed: bool) -> None:
    upload, asset = await completed(storeroom, committed=committed)

    await storeroom.world.reconciler.run_once()

    assert not await is_known(storeroom.world.stores, upload)
    assert await storeroom.is_there(asset) == (AssetState.READY, True)


async def test_what_somebody_sent_again_after_its_asset_was_removed_goes(storeroom: Storeroom) -> None:
    upload, asset = await completed(storeroom)
    await storeroom.world.eraser.delete(asset)
    await _put(storeroom, upload)  # the signed address still worked

    await storeroom.world.reconciler.run_once()

    assert not await is_there(storeroom, upload)


async def test_an_asset_whose_upload_was_given_up_is_removed_and_one_under_way_waits(storeroom: Storeroom) -> None:
    stores = storeroom.world.stores
    later = NOW + timedelta(days=1)
    given_up, under_way = await begun(storeroom, expires_at=later), await begun(storeroom, expires_at=later)
    for upload in (given_up, under_way):
        old = an_asset(upload.account_id, id=upload.asset_id, key=upload.key)
        await stores.assets.stage(replace(old, state=AssetState.STAGED))
    assert await stores.uploads.abort(given_up)

    await storeroom.world.reconciler.run_once()

    assert [await is_there(storeroom, upload) for upload in (given_up, under_way)] == [False, True]


async def test_one_gateway_checks_an_upload_until_it_falls_silent(storeroom: Storeroom) -> None:
    uploads = storeroom.world.stores.uploads
    upload = await begun(storeroom, expires_at=NOW + timedelta(days=1), sent=False)
    refusal = Refusal(error="hash_mismatch", pointer="#/sha256", code="not_as_declared", detail="No.")

    assert await uploads.take(upload, "first", lease=LEASE)
    assert await uploads.take(upload, "second", lease=LEASE) is None
    assert not await uploads.abort(upload)
    assert await uploads.renew(upload, "first", lease=-LEASE)
    assert await uploads.take(upload, "second", lease=LEASE)
    assert not await uploads.renew(upload, "first", lease=LEASE)
    assert not await uploads.complete(upload, "first")
    assert not await uploads.give_back(upload, "first")
    assert await uploads.fail(upload, "second", refusal)

    found = await uploads.get(upload.account_id, upload.id)
    assert found is not None
    assert (found.state, found.refusal) == (UploadState.FAILED, refusal)
    assert await uploads.take(upload, "third", lease=LEASE) is None


@pytest.mark.parametrize("state", [UploadState.OPEN, UploadState.CHECKING])
async def test_nobody_begins_to_check_an_upload_whose_time_is_over(storeroom: Storeroom, state: UploadState) -> None:
    """It would be swept under the check."""
    uploads = storeroom.world.stores.uploads
    upload = await begun(storeroom, expires_at=NOW + timedelta(days=1), sent=False)
    if state is UploadState.CHECKING:
        assert await uploads.take(upload, "the dead", lease=-LEASE)
    await _expire(storeroom, upload, datetime.now(UTC) - timedelta(seconds=1))

    assert await uploads.take(upload, "late", lease=LEASE) is None

    found = await uploads.of_id(upload.id)
    assert found is not None
    assert found.state is state


async def test_an_upload_that_is_completed_while_it_is_swept_stays(storeroom: Storeroom) -> None:
    """By a gateway that was frozen for hours: it goes on after the sweeper looked, and before that acts."""
    upload = await begun(storeroom, expires_at=NOW + timedelta(days=1))
    stores = storeroom.world.stores
    assert await stores.uploads.take(upload, "me", lease=LEASE)
    await _expire(storeroom, upload, OVER)
    asset = an_asset(upload.account_id, id=upload.asset_id, key=upload.key, state=AssetState.STAGED)

    class Overtaken(Uploads):
        async def due(self, now: datetime, *, limit: int) -> list[Upload]:
            found = await super().due(now, limit=limit)
            await stores.assets.stage(asset)
            assert await self.complete(upload, "me")
            return found

    late = replace(stores, uploads=Overtaken(storeroom.world.database))
    await Sweeper(late, storeroom.world.objects).sweep(datetime.now(UTC))

    assert await storeroom.is_there(asset) == (AssetState.READY, True)


async def test_an_upload_that_is_swept_is_completed_by_nobody(storeroom: Storeroom) -> None:
    upload = await begun(storeroom, expires_at=NOW + timedelta(days=1))
    stores = storeroom.world.stores
    assert await stores.uploads.take(upload, "me", lease=LEASE)
    await _expire(storeroom, upload, OVER)

    class Overtaken(Assets):
        """The bytes are about to go when the check comes to its end."""

        async def get(self, account: AccountId, asset: AssetId) -> Asset | None:
            found = await super().get(account, asset)
            assert not await stores.uploads.complete(upload, "me")
            return found

    late = replace(stores, assets=Overtaken(storeroom.world.database))
    await Sweeper(late, storeroom.world.objects).sweep(datetime.now(UTC))

    assert not await is_known(stores, upload)
    assert not await is_there(storeroom, upload)
