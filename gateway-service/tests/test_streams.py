"""Event streams beside a broker that loses notices: what is stored is told all the same."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.services import events
from gateway.services.events import EventStreams
from reelwork.broker.base import Notice
from reelwork.domain.job import Job
from reelwork.engine.engine import Engine, claimed
from reelwork.runtime.tasks import running
from testkit.world import World, open_world


@pytest.fixture
async def world(mongo_url: str, mongo_database: str) -> AsyncIterator[World]:
    async with open_world(mongo_url, mongo_database) as opened:
        yield opened


async def test_an_ending_that_nobody_announced_is_told_while_progress_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.1)
    streams = EventStreams(world.stores.jobs, world.engine.broker, life_seconds=3600, per_account=1)
    await world.submit(await world.joined())
    job = await world.run()

    told: list[bytes] = []
    progress = running(lambda: _reports_progress(world.engine, job))
    async with running(streams.run), progress, asyncio.timeout(20):
        async for frame in streams.frames(job, after=0):
            if b"event: progress" in frame and b"ended" not in told:
                await world.stores.attempts.complete(claimed(job), [])
                told.append(b"ended")
            told.append(frame)

    assert any(b"event: job.completed" in frame for frame in told)


async def _reports_progress(engine: Engine, job: Job) -> None:
    data = {"fraction": 0.5, "stage": "", "message": "", "step": None, "steps": None}
    while True:
        engine.broker.announce(Notice(kind="progress", account_id=job.account_id, job_id=job.id, data=data))
        await asyncio.sleep(0)  # as fast as the stream takes them
