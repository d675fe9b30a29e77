"""Bytes in a real S3 that belong to somebody are kept, those that belong to nobody are removed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AccountId, new_account_id, new_asset_id, new_job_id
from reelwork.domain.job import Job
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.sweep import BATCH, STAGED_GRACE, Sweeper
from reelwork.objects.errors import ObjectMissing
from reelwork.objects.s3 import ObjectStore
from testkit.services import S3Service, fresh_bucket
from testkit.world import NO_BUCKET, World, an_output, options_of

USED = timedelta(seconds=1)
LASTING = AttemptFailure(code="generation_failed", message="No.", retryable=False)
LONG_AGO = datetime.now(UTC) - STAGED_GRACE * 2
Keep = Callable[..., Awaitable[Asset]]


@pytest.fixture(scope="session")
async def bucket(s3: S3Service) -> AsyncIterator[ObjectStore]:
    with fresh_bucket(s3) as made:
        async with ObjectStore.open(options_of(made)) as objects:
            yield objects


@pytest.fixture
async def shop(opened: World, bucket: ObjectStore) -> World:
    """A world with a bucket; every test has accounts of its own, and so its own objects."""
    await opened.clear()
    return World.over(opened.database, bucket)


@pytest.fixture
def keep(shop: World, tmp_path: Path) -> Keep:
    """Announce bytes and store them, some time ago."""

    async def stored(owner: AccountId, *, bytes_there: bool = True, **fields: Any) -> Asset:
        asset_id = new_asset_id()
        defaults: dict[str, Any] = {
            "id": asset_id,
            "account_id": owner,
            "state": AssetState.STAGED,
            "purpose": Purpose.OUTPUT,
            "key": f"accounts/{owner}/{asset_id}.txt",
            "content_type": "text/plain",
            "filename": "noop.txt",
            "size_bytes": 5,
            "sha256": "0" * 64,
            "created_at": LONG_AGO,
        }
        asset = Asset(**(defaults | fields))
        await shop.stores.assets.stage(asset)
        if bytes_there:
            file = tmp_path / asset_id
            file.write_bytes(b"bytes")
            await shop.objects.put_file(asset.key, file, asset.content_type)
        return asset

    return stored


async def is_there(shop: World, asset: Asset) -> tuple[AssetState | None, bool]:
    """The state of the document, and whether the bytes are there."""
    found = await shop.stores.assets.get(asset.account_id, asset.id)
    try:
        await shop.objects.head(asset.key)
    except ObjectMissing:
        return (found.state if found else None, False)
    return (found.state if found else None, True)


async def output_of(keep: Keep, job: Job) -> Asset:
    return await keep(job.account_id, job_id=job.id, attempt=job.attempt)


KEPT, GONE, WAITING = (AssetState.READY, True), (None, False), (AssetState.STAGED, True)


async def test_outputs_whose_worker_died_after_the_end_of_the_job_are_kept(shop: World, keep: Keep) -> None:
    await shop.submit(await shop.joined())
    job = await shop.run()
    asset = await output_of(keep, job)
    await complete(shop.engine, job, [an_output(asset=asset.id)], used=USED)

    repaired = await shop.reconciler.run_once()

    assert repaired["assets"] == 1
    assert await is_there(shop, asset) == KEPT
    assert not await shop.reconciler.run_once()


async def test_outputs_of_a_running_attempt_are_left_alone(shop: World, keep: Keep) -> None:
    await shop.submit(await shop.joined())
    asset = await output_of(keep, await shop.run())

    assert not await shop.reconciler.run_once()
    assert await is_there(shop, asset) == WAITING


async def test_outputs_of_a_lost_attempt_are_removed_and_those_of_the_next_kept(shop: World, keep: Keep) -> None:
    await shop.submit(await shop.joined())
    lost = await shop.run()
    orphan = await output_of(keep, lost)
    await shop.lapse()
    await shop.reconciler.run_once()
    again = await shop.run()
    asset = await output_of(keep, again)
    await complete(shop.engine, again, [an_output(asset=asset.id)], used=USED)

    await shop.reconciler.run_once()

    assert [await is_there(shop, one) for one in (orphan, asset)] == [GONE, KEPT]


@pytest.mark.parametrize("how", ["failed", "cancelled"])
async def test_outputs_of_a_job_without_success_are_removed(shop: World, keep: Keep, how: str) -> None:
    await shop.submit(await shop.joined())
    job = await shop.run()
    asset = await output_of(keep, job)
    if how == "cancelled":
        await cancel(shop.engine, job.account_id, job.id, by="owner")
    await fail(shop.engine, job, LASTING, used=USED)

    await shop.reconciler.run_once()

    assert await is_there(shop, asset) == GONE


async def test_outputs_that_the_winner_did_not_name_are_removed(shop: World, keep: Keep) -> None:
    await shop.submit(await shop.joined())
    job = await shop.run()
    named, unnamed = await output_of(keep, job), await output_of(keep, job)
    await complete(shop.engine, job, [an_output(asset=named.id)], used=USED)

    await shop.reconciler.run_once()

    assert [await is_there(shop, one) for one in (named, unnamed)] == [KEPT, GONE]


@pytest.mark.parametrize("bytes_there", [True, False])
async def test_an_upload_that_was_never_finished_is_removed(shop: World, keep: Keep, bytes_there: bool) -> None:
    asset = await keep(new_account_id(), purpose=Purpose.INPUT, bytes_there=bytes_there)

    await shop.reconciler.run_once()

    assert await is_there(shop, asset) == GONE


async def test_outputs_of_an_unknown_job_are_removed(shop: World, keep: Keep) -> None:
    asset = await keep(new_account_id(), job_id=new_job_id(), attempt=1)

    await shop.reconciler.run_once()

    assert await is_there(shop, asset) == GONE


async def test_what_was_announced_lately_is_left_alone(shop: World, keep: Keep) -> None:
    asset = await keep(new_account_id(), created_at=datetime.now(UTC))

    assert not await shop.reconciler.run_once()
    assert await is_there(shop, asset) == WAITING


async def test_what_is_ready_is_never_removed(shop: World, keep: Keep) -> None:
    asset = await keep(new_account_id(), state=AssetState.READY)

    await shop.reconciler.run_once()
    await shop.sweeper.discard([asset])

    assert await is_there(shop, asset) == KEPT


async def test_what_is_condemned_cannot_be_committed_any_more(shop: World, keep: Keep) -> None:
    asset = await keep(new_account_id())
    await shop.stores.assets.condemn(asset.id)

    await shop.stores.assets.commit([asset.id])

    assert await is_there(shop, asset) == (AssetState.DISCARDED, True)
    await shop.reconciler.run_once()
    assert await is_there(shop, asset) == GONE


async def test_while_s3_is_away_nothing_is_forgotten(shop: World, keep: Keep) -> None:
    asset = await keep(new_account_id())
    async with ObjectStore.open(NO_BUCKET) as nowhere:
        away = await Sweeper(shop.stores, nowhere).sweep(datetime.now(UTC))

    back = await shop.sweeper.sweep(datetime.now(UTC))

    assert (away, back) == (0, 1)
    assert await is_there(shop, asset) == GONE


async def test_a_pass_is_bounded_and_the_oldest_go_first(shop: World, keep: Keep) -> None:
    owner = new_account_id()
    oldest = await keep(owner, created_at=LONG_AGO - timedelta(days=1))
    rest = [await keep(owner, bytes_there=False) for _ in range(BATCH)]

    settled = [await shop.sweeper.sweep(datetime.now(UTC)) for _ in range(3)]

    assert (settled[0], sum(settled)) == (BATCH, BATCH + 1)
    assert await is_there(shop, oldest) == GONE
    assert [await shop.stores.assets.get(owner, one.id) for one in rest] == [None] * BATCH


async def test_outputs_of_long_jobs_do_not_stand_in_the_way_of_others(shop: World, keep: Keep) -> None:
    await shop.submit(await shop.joined())
    job = await shop.run()
    for _ in range(BATCH):
        await keep(job.account_id, bytes_there=False, job_id=job.id, attempt=job.attempt)
    orphan = await keep(new_account_id(), created_at=LONG_AGO + timedelta(minutes=1))

    for _ in range(3):
        await shop.sweeper.sweep(datetime.now(UTC))

    assert await is_there(shop, orphan) == GONE


async def test_bytes_that_were_written_after_they_were_given_up_are_removed_by_whoever_wrote_them(
    shop: World, keep: Keep, tmp_path: Path
) -> None:
    asset = await keep(new_account_id(), bytes_there=False)
    await shop.sweeper.sweep(datetime.now(UTC))
    late = tmp_path / "late"
    late.write_bytes(b"bytes")
    await shop.objects.put_file(asset.key, late, asset.content_type)

    await shop.sweeper.discard([asset])

    assert await is_there(shop, asset) == GONE
