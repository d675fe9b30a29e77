"""Very short jobs run in a row: claimed together, written down together, and nobody waits behind a long one."""

import asyncio
import threading
from datetime import timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.engine.cancel import cancel
from reelwork.generator import ProviderUnavailable
from testkit.world import terms
from worker import runner

pytestmark = pytest.mark.usefixtures("quick_beats")


@pytest.fixture
def patient(monkeypatch):
    """Jobs stay in their row however long it takes."""
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 3600)


@pytest.fixture
def impatient(monkeypatch):
    """Jobs leave their row as soon as the one before them is not over at once."""
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0)


@pytest.fixture
def wary(monkeypatch):
    """Every job is asked after before it starts."""
    monkeypatch.setattr(runner, "FRESH_SECONDS", 0)


@pytest.fixture
def short(workshop):
    """Submit so many jobs to one lane whose jobs are known to be very short; their inputs are 0, 1, 2 …"""

    async def submit(count, *, limit=16):
        lane = terms(limit=limit)
        jobs = [await workshop.submit(lane, order=float(n), input={"n": n}) for n in range(count)]
        await workshop.world.database["lanes"].update_one({"_id": lane.id}, {"$set": {"estimate": 0.001}})
        return jobs

    return submit


@pytest.fixture
def row(workshop, scripted, text):
    """A worker whose model records what it runs, and then does what `at` says for that number."""

    def make(ran, at=None, **options):
        def generate(params, ctx):
            number = params.model_extra["n"]
            ran.append(number)
            (at or {}).get(number, lambda: None)()
            yield text(ctx, b"%d" % number)

        return workshop.runner(scripted(generate), **options)

    return make


async def states(workshop, jobs):
    return [(await workshop.world.read(job)).status for job in jobs]


async def slots(workshop, job):
    return (await workshop.world.lane(job.lane))["slots"]


async def test_very_short_jobs_are_claimed_together_and_run_in_their_order(workshop, short, row):
    jobs, ran = await short(5), []

    assert await row(ran).work("cpu") == 5

    assert ran == [0, 1, 2, 3, 4]
    assert await states(workshop, jobs) == [Status.COMPLETED] * 5
    assert await slots(workshop, jobs[0]) == []


async def test_whoever_emptied_a_lane_looks_no_further_for_this_ticket(workshop, short, row, monkeypatch):
    looks, claim = [], runner.claim_batch

    async def look(*arguments, **options):
        looks.append(options["pool"])
        return await claim(*arguments, **options)

    monkeypatch.setattr(runner, "claim_batch", look)
    jobs = await short(5)

    assert await row([]).answer_ticket("cpu") == 5

    assert looks == ["cpu"]
    assert await states(workshop, jobs) == [Status.COMPLETED] * 5


async def test_a_lane_that_is_not_empty_after_a_row_is_served_on_for_the_same_ticket(short, row):
    await short(7, limit=3)

    assert await row([]).answer_ticket("cpu") == 7


async def test_each_job_of_a_row_has_its_own_outputs(workshop, short, row):
    jobs = await short(3)

    await row([]).work("cpu")

    for number, job in enumerate(jobs):
        (key,) = await workshop.keys(job)
        assert await workshop.content(key) == b"%d" % number


async def test_a_row_is_no_longer_than_the_limit_of_its_lane(short, row):
    await short(5, limit=3)

    assert await row([]).work("cpu") == 3


async def test_a_failure_in_a_row_is_that_jobs_alone(workshop, short, row):
    def fail():
        raise ProviderUnavailable("Busy.")

    jobs = await short(3)
    await row([], {1: fail}).work("cpu")

    assert await states(workshop, jobs) == [Status.COMPLETED, Status.QUEUED, Status.COMPLETED]
    assert (await workshop.world.read(jobs[1])).error.code == "provider_unavailable"
    assert await workshop.keys(jobs[1]) == []
    assert await slots(workshop, jobs[0]) == []


@pytest.mark.usefixtures("patient")
async def test_a_job_that_is_over_is_told_while_the_next_still_runs(workshop, short, row, gate, eventually):
    async def first_is_over():
        return (await workshop.world.read(jobs[0])).status is Status.COMPLETED

    jobs = await short(2)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(row([], {1: gate.wait}).work("cpu"))
        await eventually(first_is_over)
        running = await states(workshop, jobs)
        gate.set()

    assert running == [Status.COMPLETED, Status.PROCESSING]
    assert await states(workshop, jobs) == [Status.COMPLETED] * 2


@pytest.mark.usefixtures("impatient")
async def test_jobs_behind_a_long_one_go_to_another_worker_and_it_costs_them_no_attempt(
    workshop, short, row, gate, eventually
):
    async def others_wait():
        return await states(workshop, jobs[1:]) == [Status.QUEUED] * 2

    started = threading.Event()
    jobs, ran, elsewhere = await short(3), [], []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(row(ran, {0: lambda: started.set() or gate.wait()}).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await eventually(others_wait)
        handed_back = [(await workshop.world.read(job)).attempt for job in jobs[1:]]
        tickets = await workshop.world.tickets()
        other = row(elsewhere, name="other")
        while await other.work("cpu"):
            pass
        while_it_runs = await states(workshop, jobs)
        gate.set()

    assert handed_back == [0, 0]
    assert tickets >= 2, "whoever makes a job claimable publishes a ticket"
    assert while_it_runs == [Status.PROCESSING, Status.COMPLETED, Status.COMPLETED]
    assert (ran, elsewhere) == ([0], [1, 2])
    assert await states(workshop, jobs) == [Status.COMPLETED] * 3
    assert await slots(workshop, jobs[0]) == []


@pytest.mark.usefixtures("patient", "wary")
async def test_a_job_cancelled_while_it_waits_in_a_row_never_runs(workshop, short, row, gate, eventually):
    started = threading.Event()
    jobs, ran = await short(3), []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(row(ran, {0: lambda: started.set() or gate.wait()}).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, jobs[1].account_id, jobs[1].id, by="user")
        gate.set()

    assert ran == [0, 2]
    assert await states(workshop, jobs) == [Status.COMPLETED, Status.CANCELLED, Status.COMPLETED]
    assert (await workshop.world.read(jobs[1])).cancel.confirmed_at is not None
    assert await slots(workshop, jobs[0]) == []


async def test_a_job_cancelled_before_it_is_handed_back_ends_cancelled(
    workshop, short, row, *, gate, eventually, monkeypatch
):
    async def it_ended():
        return (await workshop.world.read(jobs[1])).status is Status.CANCELLED

    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 3600)
    started = threading.Event()
    jobs, ran = await short(2), []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(row(ran, {0: lambda: started.set() or gate.wait()}).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, jobs[1].account_id, jobs[1].id, by="user")
        monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0)
        await eventually(it_ended)
        gate.set()

    assert ran == [0]
    assert await slots(workshop, jobs[0]) == []


@pytest.mark.usefixtures("patient", "wary")
async def test_a_job_whose_lease_was_lost_while_it_waited_in_a_row_is_left_alone(
    workshop, short, row, gate, eventually
):
    started = threading.Event()
    jobs, ran = await short(2), []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(row(ran, {0: lambda: started.set() or gate.wait()}).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await workshop.world.lapse(jobs[1])
        await workshop.world.reconciler.run_once()
        gate.set()

    assert ran == [0]
    assert await states(workshop, jobs) == [Status.COMPLETED, Status.QUEUED]


@pytest.mark.usefixtures("patient")
async def test_a_model_left_behind_in_a_row_takes_no_other_job_with_its_process(workshop, short, row, gate, eventually):
    """The process ends with it, so whoever waits behind it goes back to the queue first."""
    started = threading.Event()
    jobs, ran = await short(3), []
    worker = row(ran, {0: lambda: started.set() or gate.wait()}, grace=timedelta(milliseconds=50))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, jobs[0].account_id, jobs[0].id, by="user")

    assert workshop.abandoned == ["w"]
    assert ran == [0]
    assert await states(workshop, jobs) == [Status.CANCELLED, Status.QUEUED, Status.QUEUED]
    assert await slots(workshop, jobs[0]) == []


@pytest.mark.usefixtures("patient")
async def test_a_worker_that_has_to_end_writes_what_is_over_and_gives_back_the_rest_of_its_row(
    workshop, short, row, gate, eventually
):
    started = threading.Event()
    jobs, ran = await short(4), []
    work = asyncio.create_task(row(ran, {1: lambda: started.set() or gate.wait()}).work("cpu"))
    await eventually(lambda: asyncio.to_thread(started.wait))
    work.cancel()
    await asyncio.wait([work])

    assert ran == [0, 1]
    assert await states(workshop, jobs) == [Status.COMPLETED, Status.QUEUED, Status.QUEUED, Status.QUEUED]
    assert [(await workshop.world.read(job)).attempt for job in jobs] == [1, 0, 0, 0]
    assert await slots(workshop, jobs[0]) == []
