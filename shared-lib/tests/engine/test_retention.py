"""How long files are kept, and that an owner may delete a single one."""

import asyncio
from datetime import timedelta

import pytest

from reelwork.domain.asset import AssetState
from reelwork.domain.errors import AssetInUse
from reelwork.domain.job import Retention
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
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
