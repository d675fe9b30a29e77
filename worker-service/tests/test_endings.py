"""Endings reach MongoDB in the end; what is not known to be written is neither kept nor thrown away."""

import asyncio
import gc
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from reelwork.domain.asset import AssetState
from reelwork.domain.job import Status
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.cancel import cancel
from reelwork.engine.engine import Rules
from reelwork.engine.files import Files
from reelwork.engine.finish import Finished, complete, complete_all, fail
from reelwork.engine.sweep import Sweeper
from reelwork.generator import Artifact
from reelwork.store.client import MongoOptions, open_database
from testkit.faultproxy import FaultProxy
from testkit.world import World, an_output
from worker.attempt import Ended
from worker.endings import Endings
from worker.lifeline import Stop

# The driver leaves sockets of connections that it gave up to the garbage collector.
pytestmark = [
    pytest.mark.usefixtures("quick_beats"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

USED = timedelta(seconds=1)
BUSY = AttemptFailure(code="provider_unavailable", message="Busy.", retryable=True)


@pytest.fixture
async def link(mongo_url):
    """What lies between a worker and MongoDB."""
    async with FaultProxy.to(urlsplit(mongo_url).port) as proxy:
        yield proxy


@pytest.fixture
def distant(workshop, link):
    """The same workshop, but its worker reaches MongoDB by the link, with a lease of two seconds."""
    options = MongoOptions(
        url=f"mongodb://127.0.0.1:{link.port}/?directConnection=true",
        database=workshop.world.database.name,
        operation_timeout_seconds=0.5,
    )

    @asynccontextmanager
    async def opened():
        async with open_database(options) as database:
            rules = Rules(lease=timedelta(seconds=2))
            yield replace(workshop, world=World.over(database, workshop.world.objects, rules=rules))

    yield opened
    gc.collect()  # here, where it is expected, and not in the midst of another test


async def an_ended_attempt(workshop, why=None):
    """A job that was claimed and run, with one output in S3; not yet written down."""
    await workshop.submit(await workshop.world.joined())
    job = await workshop.world.run("w")
    world = workshop.world
    files = Files(job, world.stores, world.objects, world.sweeper)
    path = workshop.scratch / "text.txt"
    path.write_bytes(b"done")
    await files.store(Artifact(name="text.txt", media_type="text/plain", path=path))
    return Ended(job=job, files=files, used=USED, why=why)


async def asset_of(workshop, ended):
    """The stored asset of the attempt's output, and whether its bytes are there; None if both are gone."""
    (output,) = ended.files.outputs
    asset = await workshop.world.stores.assets.get(ended.job.account_id, output.asset_id)
    keys = await workshop.keys(ended.job)
    assert bool(asset) == bool(keys), "no bytes without a document, no document without bytes"
    return asset.state if asset else None


async def test_an_ending_that_is_written_twice_counts_once(workshop):
    ended = await an_ended_attempt(workshop)
    endings = Endings(workshop.world.engine)

    await endings.write([ended])
    once = await workshop.world.raw(ended.job.id)
    await endings.write([ended])

    assert await workshop.world.raw(ended.job.id) == once
    assert once["status"] == "completed"
    assert await asset_of(workshop, ended) is AssetState.READY


async def test_outputs_stay_when_the_answer_to_the_completion_was_lost(workshop):
    ended = await an_ended_attempt(workshop)
    finished = Finished(job=ended.job, outputs=ended.files.outputs, used=USED)
    await complete_all(workshop.world.engine, [finished])

    await Endings(workshop.world.engine).write([ended])

    assert (await workshop.world.read(ended.job)).outputs == tuple(ended.files.outputs)
    assert await asset_of(workshop, ended) is AssetState.READY
    assert (await workshop.world.lane(ended.job.lane))["slots"] == []


async def test_one_lost_attempt_among_completed_ones_discards_its_own_outputs_only(workshop):
    won, lost = await an_ended_attempt(workshop), await an_ended_attempt(workshop)
    await workshop.world.lapse(lost.job)
    await workshop.world.reconciler.run_once()

    await Endings(workshop.world.engine).write([won, lost])

    assert await asset_of(workshop, won) is AssetState.READY
    assert await asset_of(workshop, lost) is None
    assert (await workshop.world.read(lost.job)).status is Status.QUEUED


async def test_a_failure_written_again_does_not_touch_the_attempt_that_followed(workshop):
    world, ended = workshop.world, await an_ended_attempt(workshop, BUSY)
    await fail(world.engine, ended.job, BUSY, used=USED)
    await world.come_due()
    await world.reconciler.run_once()
    second = await world.run("second")

    await Endings(world.engine).write([ended])

    assert await asset_of(workshop, ended) is None
    assert (await world.read(ended.job)).lease == second.lease
    await complete(world.engine, second, [an_output()], used=USED)
    assert (await world.read(ended.job)).status is Status.COMPLETED


@pytest.mark.parametrize("why", [None, Stop.CANCELLED, BUSY])
async def test_a_cancelled_attempt_ends_cancelled_however_it_went(workshop, why):
    ended = await an_ended_attempt(workshop, why)
    await cancel(workshop.world.engine, ended.job.account_id, ended.job.id, by="user")

    await Endings(workshop.world.engine).write([ended])

    after = await workshop.world.read(ended.job)
    assert (after.status, after.outputs, after.error) == (Status.CANCELLED, (), None)
    assert await asset_of(workshop, ended) is None


@pytest.mark.parametrize("why", [None, BUSY])
async def test_an_ending_is_written_when_mongodb_is_back(workshop, distant, link, why):
    async with distant() as far:
        ended = await an_ended_attempt(far, why)
        with capture_logs() as logs:
            await link.down()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(Endings(far.world.engine).write([ended]))
                await until(lambda: told(logs, "ending.delayed"))
                await link.resume()

        done = why is None
        assert (await workshop.world.read(ended.job)).status is (Status.COMPLETED if done else Status.QUEUED)
        assert await asset_of(workshop, ended) is (AssetState.READY if done else None)


async def test_an_ending_that_nobody_could_write_is_left_to_the_reconciler(workshop, distant, link):
    async with distant() as far:
        ended = await an_ended_attempt(far)
        await link.down()

        await Endings(far.world.engine).write([ended])

        assert await asset_of(workshop, ended) is AssetState.STAGED
        await workshop.world.lapse(ended.job)
        await workshop.world.reconciler.run_once()
        await at_once(workshop).sweep(datetime.now(UTC) + USED)
        assert (await workshop.world.read(ended.job)).status is Status.QUEUED
        assert await asset_of(workshop, ended) is None


async def test_outputs_stay_when_nobody_heard_that_the_completion_was_written(workshop, distant, link):
    async with distant() as far:
        ended = await an_ended_attempt(far)
        finished = Finished(job=ended.job, outputs=ended.files.outputs, used=USED)
        await complete_all(workshop.world.engine, [finished])
        await link.down()

        await Endings(far.world.engine).write([ended])

        assert await asset_of(workshop, ended) is AssetState.STAGED
        await at_once(workshop).sweep(datetime.now(UTC) + USED)
        assert await asset_of(workshop, ended) is AssetState.READY


async def test_a_job_outlives_a_short_absence_of_mongodb(workshop, distant, link, *, scripted, text, gate):
    async with distant() as far:
        started = threading.Event()

        def generate(_params, ctx):
            started.set()
            gate.wait()
            yield text(ctx)

        job = await far.submit(await far.world.joined())
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(far.runner(scripted(generate)).work("cpu"))
                await asyncio.to_thread(started.wait)
                await link.reset()
                link.blackhole()
                await until(lambda: told(logs, "heartbeat.missed"))
                await link.resume()
                gate.set()

        done = await workshop.world.read(job)
        assert (done.status, done.attempt) == (Status.COMPLETED, 1)


async def test_a_worker_that_cannot_renew_its_lease_stops_the_model(workshop, distant, link, scripted):
    async with distant() as far:
        started, stopped = threading.Event(), threading.Event()

        def generate(_params, ctx):
            started.set()
            try:
                while True:
                    ctx.check()
                    stopped.wait(0.005)
            finally:
                stopped.set()

        job = await far.submit(await far.world.joined())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(far.runner(scripted(generate)).work("cpu"))
            await asyncio.to_thread(started.wait)
            await link.down()

        assert stopped.is_set()
        assert (await workshop.world.read(job)).status is Status.PROCESSING
        assert workshop.abandoned == []


def told(logs, event):
    return any(entry["event"] == event for entry in logs)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  (a list of log lines has no event)
            await asyncio.sleep(0.01)


def at_once(workshop):
    """A sweeper that takes every staged asset for an old one."""
    return Sweeper(workshop.world.stores, workshop.world.objects, grace=timedelta())
