"""Jobs whose model nobody has had for a day end with words that help; all others go on waiting."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.ids import KeyId
from reelwork.domain.job import Bill, BillState, Job, JobError, Status
from reelwork.engine import hold, stranded
from reelwork.engine.pools import hold_pool, release_pool
from reelwork.engine.retry import retry
from reelwork.engine.stranded import SURE_SECONDS, StrandedJobs
from reelwork.generator import ModelCard
from reelwork.store.client import server_time
from testkit.models import Noop
from testkit.world import POOL, World, new_job, terms

DAY, HOUR = timedelta(hours=24), timedelta(hours=1)
LONG_AGO = datetime.now(UTC) - DAY * 2
OLD = {"created_at": LONG_AGO, "queued_at": LONG_AGO}
NOOP = ModelCard.of(Noop)
GONE = JobError(code="model_unavailable", message="Gone.", retryable=True, attempt=0)
SPARE = NOOP.model_copy(update={"name": "testkit/spare"})


class Search:
    """What the reconciler of one process does about them, in as little time as a test wants."""

    def __init__(self, world: World) -> None:
        self.world, self.now = world, 0.0
        self.jobs = StrandedJobs(world.engine, clock=lambda: self.now)

    async def look(self) -> int:
        return await self.jobs.end(await server_time(self.world.database))

    async def look_and_be_sure(self) -> int:
        first = await self.look()
        self.now += SURE_SECONDS
        return first + await self.look()


@pytest.fixture
def search(world: World) -> Search:
    return Search(world)


async def vouched(world: World, card: ModelCard, *, ago: timedelta) -> None:
    """A worker vouched for this model so long ago for the last time."""
    await world.stores.models.publish(card)
    earlier = {"$subtract": ["$$NOW", int(ago.total_seconds() * 1000)]}
    await world.database["models"].update_one({"_id": f"{card.name}@{card.version}"}, [{"$set": {"seen_at": earlier}}])


async def stored(world: World, **fields: object) -> Job:
    job = new_job(terms(), **(OLD | fields))
    await world.stores.jobs.insert(job)
    return job


async def test_a_job_whose_model_is_gone_for_a_day_fails_with_what_can_be_done(world: World, search: Search) -> None:
    await vouched(world, NOOP, ago=DAY + HOUR)
    job = await stored(world)

    assert await search.look_and_be_sure() == 1

    failed = await world.read(job)
    assert failed.error is not None
    assert (failed.status, failed.attempt, failed.error.code) == (Status.FAILED, 0, "model_unavailable")
    assert "testkit/noop@1" in failed.error.message
    assert "GET /v1/models" in failed.error.message
    assert (failed.events[-1].type, failed.events[-1].error) == ("job.failed", failed.error)
    assert failed.completed_at is not None


async def test_what_was_reserved_for_it_is_given_back(world: World, search: Search) -> None:
    await vouched(world, NOOP, ago=DAY + HOUR)
    bill = Bill(round=1, hold="hold_1", amount=500, units=1, day="2026-11-21", key_id=KeyId("key_1"))
    job = await stored(world, bill=bill)

    await search.look_and_be_sure()

    after = await world.raw(job.id)
    assert (after["bill"]["state"], after["bill"]["due"]) == (BillState.RELEASE, True)


async def test_a_model_is_not_gone_on_first_sight(world: World, search: Search) -> None:
    """Where everything stood still for days, workers come back within minutes."""
    await vouched(world, NOOP, ago=DAY * 3)
    job = await stored(world)

    assert await search.look() == 0
    search.now += SURE_SECONDS - 1
    assert await search.look() == 0
    await vouched(world, NOOP, ago=timedelta())
    search.now += SURE_SECONDS
    assert await search.look() == 0
    assert (await world.read(job)).status is Status.QUEUED


async def test_a_model_that_was_back_meanwhile_is_not_gone_on_first_sight_again(world: World, search: Search) -> None:
    """Also where nothing old waited while it was back."""
    await vouched(world, NOOP, ago=DAY * 2)
    job = await stored(world)
    await search.look()
    await vouched(world, NOOP, ago=timedelta())
    await world.stores.jobs.cancel_waiting(job.account_id, job.id, by="owner")
    await search.look()
    search.now += SURE_SECONDS
    await vouched(world, NOOP, ago=DAY * 2)
    await stored(world)

    assert await search.look() == 0


@pytest.mark.parametrize("ago", [timedelta(), DAY - HOUR])
async def test_a_job_waits_for_a_worker_that_was_there_less_than_a_day_ago(
    world: World, search: Search, ago: timedelta
) -> None:
    await vouched(world, NOOP, ago=ago)
    await stored(world)

    assert await search.look_and_be_sure() == 0


async def test_another_version_of_the_model_does_not_help_and_one_that_may_stand_in_does(
    world: World, search: Search
) -> None:
    await vouched(world, NOOP, ago=DAY + HOUR)
    await vouched(world, NOOP.model_copy(update={"version": "2"}), ago=timedelta())
    await vouched(world, SPARE, ago=timedelta())
    alone, backed = await stored(world), await stored(world, fallbacks=(SPARE.name,))

    assert await search.look_and_be_sure() == 1

    assert [(await world.read(job)).status for job in (alone, backed)] == [Status.FAILED, Status.QUEUED]


async def test_a_model_that_was_never_heard_of_is_not_called_gone(world: World, search: Search) -> None:
    await stored(world)

    assert await search.look_and_be_sure() == 0


async def test_jobs_that_are_new_or_not_due_or_run_stay(world: World, search: Search) -> None:
    await vouched(world, NOOP, ago=DAY * 3)
    await stored(world, created_at=datetime.now(UTC), queued_at=datetime.now(UTC))
    await stored(world, not_before=datetime.now(UTC) + HOUR)
    await stored(world, status=Status.PROCESSING)

    assert await search.look_and_be_sure() == 0


async def test_jobs_of_a_queue_that_its_owner_holds_wait_for_as_long_and_a_while_longer(
    world: World, search: Search
) -> None:
    """Who scales workers to zero for a weekend needs some minutes after it."""
    await vouched(world, NOOP, ago=DAY * 3)
    lane = await world.joined()
    job = new_job(lane, **OLD)
    await world.stores.jobs.insert(job)
    await hold.pause(world.engine, lane.account_id, [POOL])

    assert await search.look_and_be_sure() == 0
    await hold.resume(world.engine, lane.account_id, [POOL])
    search.now += SURE_SECONDS - 1
    assert await search.look() == 0
    assert (await world.read(job)).status is Status.QUEUED
    search.now += 1
    assert await search.look() == 1


async def test_jobs_of_a_pool_that_is_held_wait_for_as_long_and_a_while_longer(world: World, search: Search) -> None:
    await vouched(world, NOOP, ago=DAY * 3)
    job = await stored(world)
    await hold_pool(world.engine, POOL)

    assert await search.look_and_be_sure() == 0
    await release_pool(world.engine, POOL)
    assert await search.look() == 0
    assert (await world.read(job)).status is Status.QUEUED
    search.now += SURE_SECONDS
    assert await search.look() == 1


async def test_a_job_that_its_owner_queues_again_has_a_day_again(world: World, search: Search) -> None:
    await vouched(world, NOOP, ago=DAY + HOUR)
    lane = await world.joined()
    job = new_job(lane, **OLD)
    await world.stores.jobs.insert(job)
    await search.look_and_be_sure()
    owner = await world.stores.accounts.get(lane.account_id)
    assert owner is not None

    await retry(world.engine, world.opener, owner, job.id)

    assert await search.look_and_be_sure() == 0
    assert (await world.read(job)).status is Status.QUEUED


async def test_one_that_was_claimed_since_it_was_seen_is_left_alone(world: World) -> None:
    job = await stored(world)
    seen = await world.read(job)
    await world.stores.attempts.take(job.lane, worker="w", slots=["s"], lease=HOUR)

    assert not await world.stores.backlog.fail_waiting(seen, GONE)


async def test_all_are_found_in_bounded_steps(world: World, search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranded, "LOOKED_AT", 3)
    await vouched(world, NOOP, ago=DAY + HOUR)
    for version in "12221221":
        await stored(world, model_version=version)
    await search.look()
    search.now += SURE_SECONDS

    ended = [await search.look() for _ in range(4)]

    assert (sum(ended), max(ended)) == (3, 1)


async def test_the_reconciler_looks_for_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranded, "SURE_SECONDS", 0.0)
    await vouched(world, NOOP, ago=DAY + HOUR)
    await stored(world)

    assert (await world.reconciler.run_once())["stranded"] == 1
