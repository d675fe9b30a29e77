"""Jobs that arrive at once are stored in few writes, each of them durably, and none hears of another's fate."""

import asyncio
import socket
from dataclasses import replace

import pytest

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job
from reelwork.engine.intake import MOST_AT_ONCE, Intake
from reelwork.runtime.tasks import running
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.jobs import Jobs
from testkit.world import World, new_job


class CountedJobs(Jobs):
    """The collection itself, and how many jobs went into each write."""

    writes: list[int]
    begun: asyncio.Event

    async def insert(self, *jobs: Job) -> frozenset[JobId]:
        self.writes.append(len(jobs))
        self.begun.set()
        return await super().insert(*jobs)


@pytest.fixture
def counted(world: World) -> CountedJobs:
    jobs = CountedJobs(world.database)
    jobs.writes, jobs.begun = [], asyncio.Event()
    return jobs


async def test_whoever_comes_during_a_write_goes_with_the_next(world: World, counted: CountedJobs) -> None:
    lane, intake = await world.joined(), Intake(counted)
    jobs = [new_job(lane) for _ in range(MOST_AT_ONCE + 5)]

    async with running(intake.run):
        first = asyncio.create_task(intake.store(jobs[0]))
        await counted.begun.wait()
        await asyncio.gather(*(intake.store(job) for job in jobs[1:]))
        await first

    assert counted.writes == [1, MOST_AT_ONCE, 4]
    assert await world.database["jobs"].count_documents({"lane": lane.id}) == len(jobs)


async def test_a_caller_that_goes_away_disturbs_nobody(world: World, counted: CountedJobs) -> None:
    lane, intake = await world.joined(), Intake(counted)
    gone, stays = new_job(lane), new_job(lane)

    leaving = asyncio.create_task(intake.store(gone))
    staying = asyncio.create_task(intake.store(stays))
    await asyncio.sleep(0)
    leaving.cancel()
    async with running(intake.run):
        await staying
    await asyncio.wait([leaving])

    assert leaving.cancelled()
    assert (await world.read(stays)).id == stays.id


@pytest.mark.parametrize("company", [0, 3])
async def test_a_job_that_is_there_already_stays_as_it_is_and_its_company_is_stored(world: World, company: int) -> None:
    lane = await world.joined()
    known, others = new_job(lane), [new_job(lane) for _ in range(company)]
    twin = replace(known, seed=known.seed + 1)
    await world.stores.jobs.insert(known)

    async with running(world.intake.run):
        answers = await asyncio.gather(*(world.intake.store(job) for job in [twin, *others]))

    assert answers == [False] + [True] * company
    assert (await world.read(known)).seed == known.seed
    assert {(await world.read(job)).id for job in others} == {job.id for job in others}


async def test_the_same_job_twice_in_one_write_is_stored_once(world: World) -> None:
    lane = await world.joined()
    job = new_job(lane)

    calls = [asyncio.create_task(world.intake.store(job)) for _ in range(3)]
    await asyncio.sleep(0)
    async with running(world.intake.run):
        await asyncio.gather(*calls)

    assert await world.database["jobs"].count_documents({"lane": lane.id}) == 1


async def test_without_a_store_everybody_is_told_and_nobody_waits_twice(world: World) -> None:
    lane = await world.joined()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/?directConnection=true"
        async with open_database(MongoOptions(url=url, database="none", operation_timeout_seconds=0.3)) as away:
            intake = Intake(Jobs(away))
            async with running(intake.run):
                calls = [intake.store(new_job(lane)) for _ in range(3 * MOST_AT_ONCE)]
                answers = await asyncio.gather(*calls, return_exceptions=True)

    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert len({id(answer) for answer in answers}) == 1, "one attempt spoke for all"
