"""When waiting jobs are expected to start: in the order in which they are taken, and nothing that nobody knows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.services.explain import explain
from gateway.services.forecasts import ForecastService
from reelwork.contract.queue import JobQueue
from reelwork.domain.eta import size_class
from reelwork.domain.job import Job, Priority
from testkit.services import fresh_database
from testkit.world import World, hire, open_world

LENGTH = timedelta(seconds=100)


@pytest.fixture
async def world(mongo_url: str) -> AsyncIterator[World]:
    """An engine with one worker of one place, as far as anybody was told."""
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as opened:
            await hire(opened, places=1)
            yield opened


async def queue_of(world: World, job: Job) -> JobQueue:
    return (await ForecastService(world.stores).prospect(await world.read(job))).queue


async def starts(world: World, job: Job) -> datetime:
    found = (await queue_of(world, job)).starts_at
    assert found is not None
    return found.p50


async def test_a_delayed_job_is_expected_where_its_priority_puts_it_once_its_time_has_come(world: World):
    lane, soon = await world.joined(), datetime.now(UTC) + LENGTH / 10
    waiting = [await world.submit(lane) for _ in range(3)]
    delayed = {
        priority: await world.submit(lane, priority=priority, not_before=soon, due=False)
        for priority in (Priority.HIGH, Priority.LOW)
    }
    await world.learn(LENGTH)

    assert soon < await starts(world, delayed[Priority.HIGH]) <= await starts(world, waiting[1])
    assert await starts(world, delayed[Priority.LOW]) > await starts(world, waiting[1]) + LENGTH / 2


async def test_a_delayed_job_with_nothing_before_it_is_expected_at_its_time(world: World):
    soon = datetime.now(UTC) + LENGTH
    job = await world.submit(await world.joined(), not_before=soon, due=False)

    assert abs(await starts(world, job) - soon) < LENGTH / 100


async def test_nothing_is_foretold_where_no_job_of_the_model_and_none_of_the_lane_has_ended(world: World):
    lane = await world.joined()
    jobs = [await world.submit(lane) for _ in range(2)]
    before = [(await queue_of(world, job)).starts_at for job in jobs]

    await world.learn(LENGTH)

    assert before == [None, None]
    assert await starts(world, jobs[1]) > await starts(world, jobs[0]) + LENGTH / 2
    assert (await queue_of(world, jobs[1])).completes_at is None


async def test_a_running_job_tells_when_its_end_is_expected(world: World):
    await world.submit(await world.joined())
    job = await world.run()
    unknown = await explain(ForecastService(world.stores), job)
    await world.stores.runtimes.add({(job.model, size_class(job.input)): [1000.0] * 3})

    known = await explain(ForecastService(world.stores), job)

    assert job.started_at is not None
    assert [reason.until for reason in unknown.reasons] == [None]
    assert [reason.until for reason in known.reasons] == [job.started_at + timedelta(seconds=1000)]
