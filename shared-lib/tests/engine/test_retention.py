"""How long files are kept, and that an owner may delete a single one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.errors import AssetInUse
from reelwork.domain.ids import new_job_id
from reelwork.domain.job import Retention
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.engine import erase
from reelwork.engine.finish import fail
from testkit.storage import Storeroom

USED = timedelta(seconds=1)
LASTING = AttemptFailure(code="generation_failed", message="No.", retryable=False)
MINUTE = Retention(input_seconds=60, output_seconds=60)
KEPT, GONE = (AssetState.READY, True), (None, False)


@pytest.fixture
async def lane(storeroom: Storeroom) -> LaneTerms:
    return await storeroom.world.joined()


class TestRetention:
    async def test_files_are_removed_when_they_are_due_and_not_before(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job, film = await storeroom.done(lane, picture, retention=MINUTE)
        assert job.completed_at is not None
        assert (job.inputs_due_at, job.outputs_due_at) == (job.completed_at + timedelta(minutes=1),) * 2

        await storeroom.sweep(after=timedelta(seconds=50))
        before = [await storeroom.is_there(one) for one in (picture, film)]
        await storeroom.sweep(after=timedelta(seconds=70))

        assert before == [KEPT, KEPT]
        assert [await storeroom.is_there(one) for one in (picture, film)] == [GONE, GONE]
        left = await storeroom.world.read(job)
        assert (left.data_removed, left.inputs_removed, left.outputs) == (True, True, ())
        assert (left.input, left.outputs_due_at) == ({}, None)
        assert left.events[-1].type == "job.data_removed"
        await storeroom.check(settled=True)

    async def test_without_retention_everything_stays(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        _, film = await storeroom.done(lane, picture)

        await storeroom.sweep(after=timedelta(days=4000))

        assert [await storeroom.is_there(one) for one in (picture, film)] == [KEPT, KEPT]

    async def test_an_input_that_another_job_keeps_longer_stays_with_it(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        await storeroom.done(lane, picture, retention=MINUTE)
        await storeroom.done(lane, picture, retention=Retention(input_seconds=3600))

        seen = []
        for minutes in (2, 61):
            await storeroom.sweep(after=timedelta(minutes=minutes))
            seen.append(await storeroom.is_there(picture))

        assert seen == [KEPT, GONE]

    async def test_a_waiting_job_keeps_its_input_however_long_it_waits(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        await storeroom.done(lane, picture, retention=MINUTE)
        await storeroom.submitted(lane, picture, retention=MINUTE)

        await storeroom.sweep(after=timedelta(days=1))

        assert await storeroom.is_there(picture) == KEPT

    async def test_a_failed_job_lets_its_input_go_and_says_nothing_of_outputs(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job = await storeroom.submitted(lane, picture, retention=MINUTE)
        await fail(storeroom.world.engine, await storeroom.world.run(), LASTING, used=USED)

        await storeroom.sweep(after=timedelta(minutes=2))

        left = await storeroom.world.read(job)
        assert (left.inputs_removed, left.data_removed, left.outputs_due_at) == (True, False, None)
        assert left.input == {}, "prompts are data"
        assert await storeroom.is_there(picture) == GONE


class TestDeletingAnAsset:
    async def test_it_is_gone_although_jobs_that_have_ended_name_it(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        _, film = await storeroom.done(lane, picture)

        for asset in (picture, film, film):
            await storeroom.world.eraser.delete(asset)
        await storeroom.sweep()

        assert [await storeroom.is_there(one) for one in (picture, film)] == [GONE, GONE]

    @pytest.mark.parametrize("status", ["queued", "processing"])
    async def test_a_job_that_has_not_ended_keeps_it(self, storeroom: Storeroom, lane: LaneTerms, status: str) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        await storeroom.submitted(lane, picture)
        if status == "processing":
            await storeroom.world.run()

        with pytest.raises(AssetInUse):
            await storeroom.world.eraser.delete(picture)

        assert await storeroom.is_there(picture) == KEPT

    async def test_of_many_at_once_all_find_it_gone(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        picture = await storeroom.uploaded(lane.account_id)

        await asyncio.gather(*(storeroom.world.eraser.delete(picture) for _ in range(8)))

        assert await storeroom.is_there(picture) == GONE


class TestWithdrawingAnAsset:
    """A file that came with a job that was refused."""

    async def test_it_is_gone_although_the_refused_job_was_announced(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture, refused = await storeroom.uploaded(lane.account_id), new_job_id()
        assert await storeroom.world.stores.assets.announce_use(lane.account_id, picture.id, refused)

        for _ in range(2):
            await storeroom.world.eraser.withdraw(picture, refused)

        assert await storeroom.is_there(picture) == GONE

    async def test_it_stays_with_a_job_that_was_stored_after_all(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job = await storeroom.submitted(lane, picture)

        await storeroom.world.eraser.withdraw(picture, job.id)

        assert await storeroom.is_there(picture) == KEPT

    async def test_it_stays_with_another_job_that_is_on_its_way(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        for job in (refused := new_job_id(), new_job_id()):
            assert await storeroom.world.stores.assets.announce_use(lane.account_id, picture.id, job)

        await storeroom.world.eraser.withdraw(picture, refused)

        assert await storeroom.is_there(picture) == KEPT


class TestAssetsWithAnEnd:
    async def test_what_jobs_still_name_does_not_stand_in_the_way_of_others(
        self, storeroom: Storeroom, lane: LaneTerms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase, "BATCH", 2)
        now = datetime.now(UTC)
        needed = [await ending(storeroom, lane, now - timedelta(hours=hours)) for hours in (5, 4, 3)]
        await storeroom.submitted(lane, *needed)
        free = await ending(storeroom, lane, now - timedelta(hours=1))

        changed = [await storeroom.world.eraser.expire(now) for _ in range(2)]
        await storeroom.sweep()

        assert changed == [0, 1]
        assert await storeroom.is_there(free) == GONE
        assert [await storeroom.is_there(one) for one in needed] == [KEPT] * 3

    async def test_what_a_job_no_longer_needs_goes_in_a_later_round(
        self, storeroom: Storeroom, lane: LaneTerms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase, "BATCH", 2)
        now = datetime.now(UTC)
        pictures = [await ending(storeroom, lane, now - timedelta(hours=hours)) for hours in (3, 2, 1)]
        await storeroom.submitted(lane, *pictures)
        before = [await storeroom.world.eraser.expire(now) for _ in range(2)]

        await fail(storeroom.world.engine, await storeroom.world.run(), LASTING, used=USED)
        after = [await storeroom.world.eraser.expire(now) for _ in range(2)]

        assert (before, after) == ([0, 0], [2, 1])


async def ending(storeroom: Storeroom, lane: LaneTerms, at: datetime) -> Asset:
    """A ready input that its owner gave an end."""
    asset = await storeroom.keep(lane.account_id, purpose=Purpose.INPUT, expires_at=at)
    await storeroom.world.stores.assets.commit([asset.id])
    return asset
