"""GET /v1/jobs/{id}/explain: each reason is named while it is true, and not any longer.

The reasons of jobs that wait are brought about in a database, step by step, so that none is there by chance; what a
whole Reelwork says is in `test_explained_jobs.py`.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.services.explain import explain
from gateway.services.forecasts import ForecastService
from gateway.views import job_view
from reelwork.contract.queue import ExplainView
from reelwork.domain.ids import new_worker_id
from reelwork.domain.job import Job, Priority
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.tier import Tier
from reelwork.domain.worker import WorkerCard
from reelwork.engine import hold
from reelwork.engine.finish import complete, fail
from reelwork.generator import ModelCard
from reelwork.store.workers import Beat
from testkit.models import Noop
from testkit.services import fresh_database
from testkit.world import POOL, World, an_output, hire, open_world

AGES = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def world(mongo_url: str) -> AsyncIterator[World]:
    """An engine with one worker of two places, as far as anybody was told."""
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as opened:
            await hire(opened, places=2)
            yield opened


async def explained(world: World, job: Job) -> ExplainView:
    return await explain(ForecastService(world.stores), await world.read(job))


async def codes(world: World, job: Job) -> list[str]:
    return [reason.code for reason in (await explained(world, job)).reasons]


async def finish(world: World, job: Job) -> None:
    await complete(world.engine, job, [an_output()], used=SECOND)


async def test_a_job_for_which_a_worker_is_there_is_next(world: World):
    job = await world.submit(await world.joined())

    assert await codes(world, job) == ["next"]
    assert (await explained(world, job)).queue is not None
    await world.run()
    assert await codes(world, job) == ["running"]


async def test_a_job_that_is_to_start_later_waits_for_its_time(world: World):
    later = datetime.now(UTC) + AGES
    job = await world.submit(await world.joined(), not_before=later)

    view = await explained(world, job)

    assert [(reason.code, reason.until.timestamp()) for reason in view.reasons if reason.until] == [
        ("not_before", pytest.approx(later.timestamp(), abs=0.01))
    ]
    assert view.queue is not None
    assert (view.queue.position, view.queue.reason) == (None, "not_before")
    assert job_view(await world.read(job)).substatus == "scheduled"
    await world.come_due()
    await world.reconciler.run_once()
    assert await codes(world, job) == ["next"]
    assert job_view(await world.read(job)).substatus == "waiting_for_slot"


async def test_a_job_whose_attempt_failed_waits_before_the_next_one(world: World):
    job = await world.submit(await world.joined())
    away = AttemptFailure(code="provider_unavailable", message="Away.", retryable=True, retry_after=3600)
    await fail(world.engine, await world.run(), away, used=SECOND)

    (reason,) = (await explained(world, job)).reasons

    assert (reason.code, reason.facts["error"]) == ("retry_backoff", "provider_unavailable")
    assert reason.until is not None
    assert reason.until > datetime.now(UTC)
    await world.come_due()
    await world.reconciler.run_once()
    assert await codes(world, job) == ["next"]


async def test_a_job_waits_while_its_owner_holds_the_queue(world: World):
    lane = await world.joined()
    job = await world.submit(lane)
    await hold.pause(world.engine, lane.account_id, [POOL])

    (reason,) = (await explained(world, job)).reasons

    assert reason.code == "queue_paused"
    assert reason.since is not None
    await hold.resume(world.engine, lane.account_id, [POOL])
    assert await codes(world, job) == ["next"]


async def test_a_job_waits_for_the_limit_of_its_own_account(world: World):
    await hire(world, places=9)
    lane = await world.joined(Tier.DEVELOPER)
    running = [await world.submit(lane) for _ in range(3)] and [await world.run() for _ in range(3)]
    job = await world.submit(lane)

    (reason,) = (await explained(world, job)).reasons

    assert (reason.code, reason.facts["running"], reason.facts["limit"]) == ("concurrency_limit", 3, 3)
    await finish(world, running[0])
    assert await codes(world, job) == ["next"]


async def test_a_job_waits_behind_its_owners_other_jobs(world: World):
    lane = await world.joined()
    await world.submit(lane)
    await world.submit(lane, priority=Priority.HIGH)
    job = await world.submit(lane)

    view = await explained(world, job)

    assert [(reason.code, reason.facts) for reason in view.reasons] == [("behind_own_jobs", {"ahead": 2})]
    assert view.queue is not None
    assert (view.queue.position, view.queue.ahead) == (3, 2)
    for _ in range(2):
        await finish(world, await world.run())
    assert await codes(world, job) == ["next"]


async def test_a_job_waits_for_accounts_that_are_served_first(world: World):
    mine, others = await world.joined(), await world.joined()
    theirs, job = await world.submit(others), await world.submit(mine)
    await world.database["lanes"].update_one({"_id": mine.id}, {"$set": {"vstart": 5.0}})

    (reason,) = (await explained(world, job)).reasons

    assert (reason.code, reason.facts) == ("other_accounts_first", {"accounts": 1})
    assert (await world.run()).id == theirs.id
    assert await codes(world, job) == ["next"], "an open lane without a job is served before nobody"


async def test_a_job_waits_while_nobody_works_in_its_pool(world: World):
    job = await world.submit(await world.joined())
    await hire(world, places=2, age=3600)

    assert await codes(world, job) == ["no_worker"]
    await hire(world, places=2)
    assert await codes(world, job) == ["next"]


async def test_a_job_whose_workers_all_drain_is_told_so(world: World):
    job = await world.submit(await world.joined())
    await hire(world, places=2, drain=True)

    (reason,) = (await explained(world, job)).reasons

    assert (reason.code, reason.facts) == ("no_worker", {"pool": POOL, "draining": 1})
    assert "Draining" in reason.message


async def test_a_job_waits_while_every_worker_is_busy(world: World):
    others, mine = await world.joined(), await world.joined()
    running = [await world.submit(others) for _ in range(2)] and [await world.run() for _ in range(2)]
    job = await world.submit(mine)

    (reason,) = (await explained(world, job)).reasons

    assert (reason.code, reason.facts["places"], reason.facts["running"]) == ("workers_busy", 2, 2)
    await finish(world, running[0])
    assert await codes(world, job) == ["next"]


async def test_a_job_waits_while_no_worker_runs_its_model(world: World):
    job = await world.submit(await world.joined())
    await hire(world, places=2, models=("testkit/other",))

    assert await codes(world, job) == ["model_unavailable"]
    await hire(world, places=2)
    assert await codes(world, job) == ["next"]


async def test_a_job_that_another_model_will_do_does_not_wait_for_its_own(world: World):
    job = await world.submit(await world.joined(), fallbacks=("testkit/other",))
    await hire(world, places=2, models=("testkit/other",))

    assert await codes(world, job) == ["next"]
    await world.stores.models.publish(ModelCard.of(Noop))  # by a worker that drains
    assert await codes(world, job) == ["model_unavailable"]


async def test_a_job_whose_lane_is_not_open_yet_says_so(world: World):
    lane = await world.joined()
    job = await world.submit(lane)
    await world.database["lanes"].delete_many({})  # the gateway ended between the two steps of a submit

    assert await codes(world, job) == ["not_announced"]
    await world.reconciler.run_once()
    assert await codes(world, job) == ["next"]


async def test_a_job_that_missed_its_deadline_does_not_wait_for_anything_else(world: World):
    job = await world.submit(await world.joined(), deadline_at=datetime.now(UTC) - AGES)

    assert await codes(world, job) == ["deadline_passed"]
    assert await world.claim() is None
    await world.reconciler.run_once()
    assert await codes(world, job) == ["expired"]


async def test_what_runs_on_a_worker_that_drains_keeps_no_other_worker_busy(world: World):
    others, mine = await world.joined(), await world.joined()
    running = [await world.submit(others) for _ in range(2)] and [await world.run() for _ in range(2)]
    card = WorkerCard(id=new_worker_id(), name="w", pool=POOL, models=[], concurrency=2, host="h", pid=1)
    await world.stores.workers.beat(
        card, Beat(pid=2, jobs=[job.id for job in running], done=0, idle=False, stopping=True)
    )

    job = await world.submit(mine)

    assert await codes(world, job) == ["next"]


async def test_of_several_reasons_what_must_pass_first_comes_first(world: World):
    lane = await world.joined(Tier.DEVELOPER)
    await hire(world, places=3)
    for _ in range(4):
        await world.submit(lane)
    for _ in range(3):
        await world.run()
    job = await world.submit(lane)
    await hold.pause(world.engine, lane.account_id, [POOL])

    assert await codes(world, job) == ["queue_paused", "concurrency_limit", "behind_own_jobs", "workers_busy"]


async def test_a_waiting_job_always_has_a_reason(world: World):
    """Whatever is done to it: every step on its way is explained."""
    lane, other = await world.joined(), await world.joined()
    jobs = [await world.submit(lane) for _ in range(6)] + [await world.submit(other)]
    steps = [
        world.run,
        lambda: hold.pause(world.engine, lane.account_id, [POOL]),
        lambda: hire(world, places=0),
        lambda: world.database["lanes"].update_many({}, {"$set": {"active": False}}),
        lambda: hold.resume(world.engine, lane.account_id, [POOL]),
        world.reconciler.run_once,
        lambda: world.database["lanes"].delete_one({"_id": lane.id}),
        lambda: hire(world, places=1),
        world.reconciler.run_once,
    ]

    for step in steps:
        await step()
        for job in jobs:
            view = await explained(world, job)
            assert view.reasons, (view.status, step)
            assert (view.queue is not None) == (view.status == "queued")
