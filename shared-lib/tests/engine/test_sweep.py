"""Bytes in a real S3 that belong to somebody are kept, those that belong to nobody are removed."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.asset import AssetState, Purpose
from reelwork.domain.ids import new_account_id, new_job_id
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.sweep import BATCH, STAGED_GRACE, Sweeper
from reelwork.objects.s3 import ObjectStore
from testkit.storage import Storeroom
from testkit.world import NO_BUCKET, an_output

USED = timedelta(seconds=1)
LASTING = AttemptFailure(code="generation_failed", message="No.", retryable=False)
LONG_AGO = datetime.now(UTC) - STAGED_GRACE * 2


KEPT, GONE, WAITING = (AssetState.READY, True), (None, False), (AssetState.STAGED, True)


async def test_outputs_whose_worker_died_after_the_end_of_the_job_are_kept(storeroom: Storeroom) -> None:
    shop = storeroom.world
    await shop.submit(await shop.joined())
    job = await shop.run()
    asset = await storeroom.output_of(job)
    await complete(shop.engine, job, [an_output(asset=asset.id)], used=USED)

    repaired = await shop.reconciler.run_once()

    assert repaired["assets"] == 1
    assert await storeroom.is_there(asset) == KEPT
    assert not await shop.reconciler.run_once()


async def test_outputs_of_a_running_attempt_are_left_alone(storeroom: Storeroom) -> None:
    shop = storeroom.world
    await shop.submit(await shop.joined())
    asset = await storeroom.output_of(await shop.run())

    assert not await shop.reconciler.run_once()
    assert await storeroom.is_there(asset) == WAITING


async def test_outputs_of_a_lost_attempt_are_removed_and_those_of_the_next_kept(storeroom: Storeroom) -> None:
    shop = storeroom.world
    await shop.submit(await shop.joined())
    lost = await shop.run()
    orphan = await storeroom.output_of(lost)
    await shop.lapse()
    await shop.reconciler.run_once()
    again = await shop.run()
    asset = await storeroom.output_of(again)
    await complete(shop.engine, again, [an_output(asset=asset.id)], used=USED)

    await shop.reconciler.run_once()

    assert [await storeroom.is_there(one) for one in (orphan, asset)] == [GONE, KEPT]


@pytest.mark.parametrize("how", ["failed", "cancelled"])
async def test_outputs_of_a_job_without_success_are_removed(storeroom: Storeroom, how: str) -> None:
    shop = storeroom.world
    await shop.submit(await shop.joined())
    job = await shop.run()
    asset = await storeroom.output_of(job)
    if how == "cancelled":
        await cancel(shop.engine, job.account_id, job.id, by="owner")
    await fail(shop.engine, job, LASTING, used=USED)

    await shop.reconciler.run_once()

    assert await storeroom.is_there(asset) == GONE


async def test_outputs_that_the_winner_did_not_name_are_removed(storeroom: Storeroom) -> None:
    shop = storeroom.world
    await shop.submit(await shop.joined())
    job = await shop.run()
    named, unnamed = await storeroom.output_of(job), await storeroom.output_of(job)
    await complete(shop.engine, job, [an_output(asset=named.id)], used=USED)

    await shop.reconciler.run_once()

    assert [await storeroom.is_there(one) for one in (named, unnamed)] == [KEPT, GONE]


@pytest.mark.parametrize("bytes_there", [True, False])
async def test_an_upload_that_was_never_finished_is_removed(storeroom: Storeroom, bytes_there: bool) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id(), purpose=Purpose.INPUT, bytes_there=bytes_there)

    await shop.reconciler.run_once()

    assert await storeroom.is_there(asset) == GONE


async def test_outputs_of_an_unknown_job_are_removed(storeroom: Storeroom) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id(), job_id=new_job_id(), attempt=1)

    await shop.reconciler.run_once()

    assert await storeroom.is_there(asset) == GONE


async def test_what_was_announced_lately_is_left_alone(storeroom: Storeroom) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id(), created_at=datetime.now(UTC))

    assert not await shop.reconciler.run_once()
    assert await storeroom.is_there(asset) == WAITING


async def test_what_is_ready_is_never_removed(storeroom: Storeroom) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id(), state=AssetState.READY)

    await shop.reconciler.run_once()
    await shop.sweeper.discard([asset])

    assert await storeroom.is_there(asset) == KEPT


async def test_what_is_condemned_cannot_be_committed_any_more(storeroom: Storeroom) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id())
    await shop.stores.assets.condemn(asset.id)

    await shop.stores.assets.commit([asset.id])

    assert await storeroom.is_there(asset) == (AssetState.DISCARDED, True)
    await shop.reconciler.run_once()
    assert await storeroom.is_there(asset) == GONE


async def test_while_s3_is_away_nothing_is_forgotten(storeroom: Storeroom) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id())
    async with ObjectStore.open(NO_BUCKET) as nowhere:
        away = await Sweeper(shop.stores, nowhere).sweep(datetime.now(UTC))

    back = await shop.sweeper.sweep(datetime.now(UTC))

    assert (away, back) == (0, 1)
    assert await storeroom.is_there(asset) == GONE


async def test_a_pass_is_bounded_and_the_oldest_go_first(storeroom: Storeroom) -> None:
    shop = storeroom.world
    owner = new_account_id()
    oldest = await storeroom.keep(owner, created_at=LONG_AGO - timedelta(days=1))
    rest = [await storeroom.keep(owner, bytes_there=False) for _ in range(BATCH)]

    settled = [await shop.sweeper.sweep(datetime.now(UTC)) for _ in range(3)]

    assert (settled[0], sum(settled)) == (BATCH, BATCH + 1)
    assert await storeroom.is_there(oldest) == GONE
    assert [await shop.stores.assets.get(owner, one.id) for one in rest] == [None] * BATCH


async def test_outputs_of_long_jobs_do_not_stand_in_the_way_of_others(storeroom: Storeroom) -> None:
    shop = storeroom.world
    await shop.submit(await shop.joined())
    job = await shop.run()
    for _ in range(BATCH):
        await storeroom.keep(job.account_id, bytes_there=False, job_id=job.id, attempt=job.attempt)
    orphan = await storeroom.keep(new_account_id(), created_at=LONG_AGO + timedelta(minutes=1))

    for _ in range(3):
        await shop.sweeper.sweep(datetime.now(UTC))

    assert await storeroom.is_there(orphan) == GONE


async def test_bytes_that_arrive_after_they_were_given_up_are_removed_by_whoever_sent_them(
    storeroom: Storeroom,
) -> None:
    shop = storeroom.world
    asset = await storeroom.keep(new_account_id(), bytes_there=False)
    await shop.sweeper.sweep(datetime.now(UTC))
    file = storeroom.folder / "late"
    file.write_bytes(b"late")
    await shop.objects.put_file(asset.key, file, asset.content_type)

    await shop.sweeper.discard([asset])

    assert await storeroom.is_there(asset) == GONE
