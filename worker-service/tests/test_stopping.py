"""A running model has to stop: its job is cancelled, its time is up, or the job is another worker's by now."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from reelwork.domain.job import Status
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete
from testkit.world import an_output

pytestmark = pytest.mark.usefixtures("quick_beats")

GRACE = timedelta(milliseconds=100)


async def test_a_model_that_listens_stops_when_its_job_is_cancelled(workshop, scripted, text, eventually):
    started = threading.Event()

    def generate(_params, ctx):
        yield text(ctx)
        started.set()
        while True:
            ctx.check()
            time.sleep(0.005)

    job = await workshop.submit()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate)).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")

    after = await workshop.world.read(job)
    assert (after.status, after.outputs) == (Status.CANCELLED, ())
    assert await workshop.keys(job) == []
    assert (await workshop.world.lane(job.lane))["slots"] == []
    assert workshop.abandoned == []


async def test_a_model_that_waits_is_woken_when_its_job_is_cancelled(workshop, scripted, eventually):
    started = threading.Event()

    def generate(_params, ctx):
        started.set()
        ctx.wait(3600)
        return ()

    job = await workshop.submit()
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate, seconds=7200), grace=timedelta(minutes=30)).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")

    assert (await workshop.world.read(job)).status is Status.CANCELLED
    assert workshop.abandoned == []


async def test_a_model_that_does_not_listen_is_left_behind_with_its_process(workshop, scripted, gate, eventually):
    started = threading.Event()

    def generate(_params, _ctx):
        started.set()
        gate.wait()
        return ()

    job = await workshop.submit()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate), grace=GRACE).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")

    assert workshop.abandoned == ["w"]
    assert (await workshop.world.read(job)).status is Status.CANCELLED
    assert (await workshop.world.lane(job.lane))["slots"] == []


async def test_a_model_whose_setup_hangs_is_left_behind_when_its_job_is_cancelled(workshop, scripted, gate, eventually):
    started = threading.Event()

    def setup(_self):
        started.set()
        gate.wait()

    job, model = await workshop.submit(), scripted(lambda _params, _ctx: (), setup=setup)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(model, grace=GRACE).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")

    assert workshop.abandoned == ["w"]
    assert (await workshop.world.read(job)).status is Status.CANCELLED


async def test_a_model_that_listens_stops_by_itself_at_its_time_limit(workshop, scripted):
    def generate(_params, ctx):
        while True:
            ctx.check()
            time.sleep(0.005)

    job = await workshop.submit()
    await workshop.runner(scripted(generate, seconds=0.05)).work("cpu")

    failed = await workshop.world.read(job)
    assert (failed.status, failed.error.code) == (Status.FAILED, "run_timeout")
    assert workshop.abandoned == []


async def test_a_model_that_does_not_is_left_behind_after_its_time_limit(workshop, scripted, gate):
    def generate(_params, _ctx):
        gate.wait()
        return ()

    job = await workshop.submit()
    await workshop.runner(scripted(generate, seconds=0.05), grace=GRACE).work("cpu")

    failed = await workshop.world.read(job)
    assert (failed.status, failed.error.code) == (Status.FAILED, "run_timeout")
    assert workshop.abandoned == ["w"]


async def test_a_worker_that_lost_its_job_overwrites_nothing_and_leaves_nothing(
    workshop, scripted, text, gate, eventually
):
    """It sleeps through its lease; another worker runs the job to its end; then it wakes and finishes as well."""
    started = threading.Event()

    def generate(_params, ctx):
        yield text(ctx, b"of the first")
        started.set()
        gate.wait()

    world, job = workshop.world, await workshop.submit()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate), name="first").work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await world.lapse(job)
        await world.reconciler.run_once()
        second = await world.run("second")
        await complete(world.engine, second, [an_output()], used=timedelta(seconds=1))
        gate.set()

    done = await world.read(job)
    assert (done.status, done.attempt, done.outputs) == (Status.COMPLETED, 2, (an_output(),))
    assert [(one.worker, one.outcome) for one in done.attempts] == [("first", "lost"), ("second", "completed")]
    assert await workshop.keys(job) == []
    assert (await world.lane(job.lane))["slots"] == []


async def test_a_worker_learns_that_it_lost_its_job_and_stops_the_model(workshop, scripted, eventually):
    started, stopped = threading.Event(), threading.Event()

    def generate(_params, ctx):
        started.set()
        try:
            while True:
                ctx.check()
                time.sleep(0.005)
        finally:
            stopped.set()

    world, job = workshop.world, await workshop.submit()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate)).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await world.lapse(job)
        await world.reconciler.run_once()

    assert stopped.is_set()
    assert (await world.read(job)).status is Status.QUEUED


async def test_a_worker_that_has_to_end_gives_its_job_back_and_it_costs_no_attempt(
    workshop, scripted, text, eventually
):
    started, stopped = threading.Event(), threading.Event()

    def generate(_params, ctx):
        yield text(ctx)
        started.set()
        try:
            while True:
                ctx.check()
                stopped.wait(0.005)
        finally:
            stopped.set()

    job = await workshop.submit()
    work = asyncio.create_task(workshop.runner(scripted(generate)).work("cpu"))
    await eventually(lambda: asyncio.to_thread(started.wait))
    work.cancel()
    await asyncio.wait([work])

    after = await workshop.world.read(job)
    assert (after.status, after.attempt, after.attempts) == (Status.QUEUED, 0, ())
    assert await workshop.keys(job) == []
    assert (await workshop.world.lane(job.lane))["slots"] == []
    assert await workshop.world.tickets() == 2, "whoever makes a job claimable publishes a ticket"
    assert await asyncio.to_thread(stopped.wait, 20)


async def test_a_job_that_ended_before_its_cancel_was_heard_ends_cancelled_without_outputs(
    workshop, scripted, text, gate, eventually
):
    started = threading.Event()

    def generate(_params, ctx):
        started.set()
        gate.wait()
        yield text(ctx)

    job = await workshop.submit()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(scripted(generate)).work("cpu"))
        await eventually(lambda: asyncio.to_thread(started.wait))
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")
        gate.set()

    after = await workshop.world.read(job)
    assert (after.status, after.outputs) == (Status.CANCELLED, ())
    assert await workshop.keys(job) == []
