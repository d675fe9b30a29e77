"""A gateway is killed between every two steps of counting, and the next one goes on: what jobs did is counted once; of
requests at most those of the killed gateway are missing, and none is counted twice."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import pytest

import testkit
from reelwork.domain.ids import AccountId
from reelwork.domain.lane import LaneTerms
from reelwork.engine.finish import complete
from testkit.services import UrlService
from testkit.usage_process import REQUESTS, Scene
from testkit.world import World, an_output

PROJECT = Path(testkit.__file__).parent.parent
USED = timedelta(milliseconds=5)
FOR_GOOD = -1
MORE_STEPS_THAN_THERE_ARE = 60


class Gateways:
    """Processes that live one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def live(self, steps: int) -> str:
        """How the next one ended: `killed` before the step after so many, or `finished`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{steps}\n".encode())
        async with asyncio.timeout(120):
            return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def gateways(scene: Scene) -> AsyncIterator[Gateways]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "testkit.usage_process",
        json.dumps(asdict(scene)),
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Gateways(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def run_one(world: World, lane: LaneTerms) -> None:
    await world.submit(lane)
    await complete(world.engine, await world.run(), [an_output()], used=USED)


async def sums(world: World, account: AccountId) -> dict[str, int]:
    total: dict[str, int] = {}
    for found in await world.stores.usage.read(account, date.min, date.max):
        for metric, count in found.counts.items():
            total[metric.value] = total.get(metric.value, 0) + count
    return total


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["events", "deltas"])
async def test_killed_between_any_two_steps(
    world: World, request: pytest.FixtureRequest, mongo_url: str, queue_prefix: str, mode: str
) -> None:
    url: str = request.getfixturevalue("amqp_url" if mode == "events" else "valkey_url")
    lane = await world.joined()
    scene = Scene(
        mode=mode,
        mongo_url=mongo_url,
        database=world.database.name,
        url=url,
        prefix=queue_prefix,
        account=lane.account_id,
    )
    killed = finished = 0
    async with gateways(scene) as lives:
        for steps in range(MORE_STEPS_THAN_THERE_ARE):
            await run_one(world, lane)
            ended = await lives.live(steps)
            killed += ended == "killed"
            assert await lives.live(FOR_GOOD) == "finished"
            finished += 1 + (ended == "finished")

            counted = await sums(world, lane.account_id)
            jobs = {name: counted.get(name) for name in ("jobs_submitted", "jobs_completed", "output_bytes")}
            assert jobs == {"jobs_submitted": steps + 1, "jobs_completed": steps + 1, "output_bytes": 64 * (steps + 1)}
            assert REQUESTS * finished <= counted["requests"] <= REQUESTS * (killed + finished), (steps, ended)
            if ended == "finished":
                break

    assert killed == steps
    assert killed >= {"events": 12, "deltas": 12}[mode]  # else the steps are not those that this is about


@pytest.mark.slow
async def test_valkey_killed_between_any_two_steps_loses_nothing_that_was_safe(
    world: World, own_valkey: UrlService, mongo_url: str, queue_prefix: str
) -> None:
    lane = await world.joined()
    scene = Scene(
        mode="deltas",
        mongo_url=mongo_url,
        database=world.database.name,
        url=own_valkey.url,
        prefix=queue_prefix,
        account=lane.account_id,
    )
    async with gateways(scene) as lives:
        for steps in range(MORE_STEPS_THAN_THERE_ARE):
            await run_one(world, lane)
            ended = await lives.live(steps)
            own_valkey.kill()
            own_valkey.start()
            assert await lives.live(FOR_GOOD) == "finished"

            counted = await sums(world, lane.account_id)
            assert (counted["jobs_submitted"], counted["jobs_completed"]) == (steps + 1, steps + 1)
            if ended == "finished":
                break
