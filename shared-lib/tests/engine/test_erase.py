"""What a job holds is there as long as any job holds it, and gone when nobody does: MongoDB and S3 always agree."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.asset import AssetState
from reelwork.domain.errors import AssetInUse, InvalidState, JobNotFound
from reelwork.domain.ids import new_account_id, new_job_id
from reelwork.domain.job import Retention, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.cancel import cancel
from reelwork.engine.erase import Eraser
from reelwork.engine.finish import complete, fail
from reelwork.engine.sweep import Sweeper
from reelwork.objects.s3 import ObjectStore
from reelwork.store.assets import MOST_NAMED, NAMING
from testkit.storage import Storeroom, output
from testkit.world import NO_BUCKET, World, new_job

USED = timedelta(seconds=1)
LASTING = AttemptFailure(code="generation_failed", message="No.", retryable=False)
MINUTE = Retention(input_seconds=60, output_seconds=60)
KEPT, GONE, DISCARDED = (AssetState.READY, True), (None, False), (AssetState.DISCARDED, True)


@pytest.fixture
async def lane(storeroom: Storeroom) -> LaneTerms:
    return await storeroom.world.joined()


async def forget_announcements(world: World) -> None:
    """Let every announcement be old."""
    aged = {"$map": {"input": "$naming", "in": {"job": "$$this.job", "at": {"$subtract": ["$$this.at", 60_000]}}}}
    await world.database["assets"].update_many({}, [{"$set": {"naming": aged, "crowded_until": None}}])


class TestErasing:
    async def test_input_values_and_files_are_gone_and_the_record_stays(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job, film = await storeroom.done(lane, picture)

        erased = await storeroom.world.eraser.erase(lane.account_id, job.id)

        assert erased == await storeroom.world.read(job)
        assert (erased.input, erased.input_assets, erased.outputs) == ({}, (), ())
        assert (erased.status, erased.data_removed, erased.version) == (Status.COMPLETED, True, job.version + 1)
        assert [event.type for event in erased.events][-2:] == ["job.completed", "job.data_removed"]
        assert [await storeroom.is_there(one) for one in (picture, film)] == [GONE, GONE]
        await storeroom.check(settled=True)

    async def test_doing_it_again_changes_nothing(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        job, _ = await storeroom.done(lane)

        answers = [await storeroom.world.eraser.erase(lane.account_id, job.id) for _ in range(2)]

        assert answers[0] == answers[1]

    @pytest.mark.parametrize("status", ["queued", "processing", "cancelling"])
    async def test_a_job_that_has_not_ended_keeps_everything(
        self, storeroom: Storeroom, lane: LaneTerms, status: str
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job = await storeroom.submitted(lane, picture)
        if status != "queued":
            await storeroom.world.run()
        if status == "cancelling":
            await cancel(storeroom.world.engine, lane.account_id, job.id, by="owner")

        with pytest.raises(InvalidState, match=status):
            await storeroom.world.eraser.erase(lane.account_id, job.id)

        assert (await storeroom.world.read(job)).input == {"words": "secret"}
        assert await storeroom.is_there(picture) == KEPT

    async def test_foreign_and_unknown_jobs_are_not_found(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        job, film = await storeroom.done(lane)

        for account, job_id in ((new_account_id(), job.id), (lane.account_id, new_job_id())):
            with pytest.raises(JobNotFound):
                await storeroom.world.eraser.erase(account, job_id)

        assert await storeroom.is_there(film) == KEPT

    @pytest.mark.parametrize("how", ["failed", "cancelled"])
    async def test_a_job_without_success_is_erased_too(self, storeroom: Storeroom, lane: LaneTerms, how: str) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job = await storeroom.submitted(lane, picture)
        if how == "failed":
            await fail(storeroom.world.engine, await storeroom.world.run(), LASTING, used=USED)
        else:
            await cancel(storeroom.world.engine, lane.account_id, job.id, by="owner")

        erased = await storeroom.world.eraser.erase(lane.account_id, job.id)

        assert (erased.status, erased.data_removed, erased.input) == (Status(how), True, {})
        assert await storeroom.is_there(picture) == GONE

    async def test_an_input_stays_until_the_last_job_lets_it_go(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        jobs = [(await storeroom.done(lane, picture))[0] for _ in range(2)]

        after = []
        for job in jobs:
            await storeroom.world.eraser.erase(lane.account_id, job.id)
            after.append(await storeroom.is_there(picture))

        assert after == [KEPT, GONE]

    async def test_many_at_once_let_go_of_what_they_share(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        ended = [await storeroom.done(lane, picture) for _ in range(3)]
        waiting = await storeroom.submitted(lane)
        ids = [job.id for job, _ in ended]

        erased = await storeroom.world.eraser.erase_many(lane.account_id, [*ids, waiting.id, new_job_id()])
        again = await storeroom.world.eraser.erase_many(lane.account_id, ids)
        foreign = await storeroom.world.eraser.erase_many(new_account_id(), ids)

        assert (erased, again, foreign) == (set(ids), set(), set())
        assert [await storeroom.is_there(one) for one in (picture, *(film for _, film in ended))] == [GONE] * 4
        await storeroom.check(settled=True)

    async def test_a_result_that_became_an_input_stays_with_the_later_job(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        first, painting = await storeroom.done(lane)
        second = await storeroom.submitted(lane, painting)

        await storeroom.world.eraser.erase(lane.account_id, first.id)

        assert await storeroom.is_there(painting) == KEPT
        await cancel(storeroom.world.engine, lane.account_id, second.id, by="owner")
        await storeroom.world.eraser.erase(lane.account_id, second.id)
        assert await storeroom.is_there(painting) == GONE

    async def test_outputs_whose_worker_died_before_the_commit_are_erased(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        await storeroom.submitted(lane)
        running = await storeroom.world.run()
        film = await storeroom.output_of(running)
        await complete(storeroom.world.engine, running, [output(film)], used=USED)

        await storeroom.world.eraser.erase(lane.account_id, running.id)
        await storeroom.world.stores.assets.commit([film.id])  # the worker was only slow

        assert await storeroom.is_there(film) == GONE
        await storeroom.check(settled=True)

    async def test_while_s3_is_away_it_is_remembered_and_done_later(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        job, film = await storeroom.done(lane)

        async with ObjectStore.open(NO_BUCKET) as nowhere:
            erased = await Eraser(storeroom.world.stores, nowhere).erase(lane.account_id, job.id)
            await Sweeper(storeroom.world.stores, nowhere).sweep(datetime.now(UTC))
        while_away = await storeroom.is_there(film)
        await storeroom.sweep()

        assert erased.data_removed
        assert (while_away, await storeroom.is_there(film)) == (DISCARDED, GONE)


class TestJobsOnTheirWay:
    """A job that names an asset and is not stored yet."""

    async def test_what_it_names_is_kept_for_it(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        world, picture = storeroom.world, await storeroom.uploaded(lane.account_id)
        job, _ = await storeroom.done(lane, picture)
        coming = new_job(lane, input_assets=(picture.id,))
        assert await world.stores.assets.announce_use(lane.account_id, picture.id, coming.id)

        await world.eraser.erase(lane.account_id, job.id)
        with pytest.raises(AssetInUse):
            await world.eraser.delete(picture)
        await storeroom.sweep()
        before = await storeroom.is_there(picture)
        await world.stores.jobs.insert(coming)
        await storeroom.sweep()

        assert [before, await storeroom.is_there(picture)] == [KEPT, KEPT]

    async def test_one_that_never_came_is_waited_for_no_longer_than_it_may_take(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        picture = await storeroom.uploaded(lane.account_id)
        job, _ = await storeroom.done(lane, picture)
        await storeroom.world.stores.assets.announce_use(lane.account_id, picture.id, new_job_id())
        await storeroom.world.eraser.erase(lane.account_id, job.id)

        await forget_announcements(storeroom.world)
        await storeroom.sweep()

        assert await storeroom.is_there(picture) == GONE

    async def test_in_a_crowd_the_asset_is_kept_until_all_of_them_are_old(
        self, storeroom: Storeroom, lane: LaneTerms
    ) -> None:
        assets, picture = storeroom.world.stores.assets, await storeroom.uploaded(lane.account_id)
        stored = [await storeroom.submitted(lane, picture) for _ in range(2)]
        for number in range(MOST_NAMED):
            await assets.announce_use(lane.account_id, picture.id, stored[number % 2].id)

        crowded = await assets.get(lane.account_id, picture.id)

        assert crowded is not None
        assert len(crowded.naming) == MOST_NAMED
        assert crowded.crowded_until is not None
        assert crowded.crowded_until > datetime.now(UTC) + NAMING / 2
        for job in stored:
            await cancel(storeroom.world.engine, lane.account_id, job.id, by="owner")
            await storeroom.world.eraser.erase(lane.account_id, job.id)
        assert await storeroom.is_there(picture) == KEPT
        await forget_announcements(storeroom.world)
        await storeroom.sweep()
        assert await storeroom.is_there(picture) == GONE

    async def test_nothing_that_is_not_ready_can_be_named(self, storeroom: Storeroom, lane: LaneTerms) -> None:
        assets, owner = storeroom.world.stores.assets, lane.account_id
        staged, ready, gone = (
            await storeroom.keep(owner),
            await storeroom.uploaded(owner),
            await storeroom.uploaded(owner),
        )
        await storeroom.world.eraser.delete(gone)

        named = [await assets.announce_use(owner, one.id, new_job_id()) for one in (staged, ready, gone)]

        assert [at is not None for at in named] == [False, True, False]
        assert await assets.announce_use(new_account_id(), ready.id, new_job_id()) is None
