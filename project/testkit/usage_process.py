"""Gateways that count usage and are killed in the middle of it: real processes, ended by SIGKILL between two steps.

    python -m testkit.usage_process '{"mode": "deltas", ...}'

reads from its input how many steps each process lives (-1: for good), one number a line, and answers for each with how
it ended: `killed` or `finished`. Processes are forked from this one, which has no thread and no connection: so a life
costs milliseconds instead of a start of Python. A step is one operation on MongoDB, Valkey or the queue.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from reelwork.broker.base import BrokerDown
from reelwork.broker.usage import Handle
from reelwork.broker.usage_rabbitmq import RabbitMQUsageQueue
from reelwork.counters.usage import UsageCounter
from reelwork.domain.ids import AccountId
from reelwork.domain.usage import UsageEvent
from reelwork.engine.usage.deltas import DeltaSync
from reelwork.engine.usage.events import EventSync
from reelwork.engine.usage.tally import Counted
from reelwork.runtime.tasks import running
from reelwork.store.client import Database, MongoOptions, open_database, server_time
from reelwork.store.stores import Stores
from testkit.steps import Before, stepped

# Each process answers so many requests, and tells of them once.
REQUESTS = 3
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where it happens. `url`: of Valkey (`deltas`) or RabbitMQ (`events`)."""

    mode: str
    mongo_url: str
    database: str
    url: str
    prefix: str
    account: str


class _Life:
    """Before each step: one less to live."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    async def __call__(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


class _Counter(UsageCounter):
    """A counter whose every question is a step."""

    before: Before

    async def safe(self) -> None:
        await self.before()
        await super().safe()

    async def _ask(self, question: Any) -> Any:  # redis-py's answers are Any
        await self.before()
        return await super()._ask(question)


class _Queue(RabbitMQUsageQueue):
    """A queue where sending is a step, and acknowledging what was handled another."""

    before: Before

    async def send(self, events: Sequence[UsageEvent]) -> None:
        while True:
            await self.before()
            try:
                await super().send(events)
            except BrokerDown:
                await asyncio.sleep(0.005)  # not connected yet
            else:
                await self.before()
                return

    async def receive(self, handle: Handle) -> None:
        async def handled(events: Sequence[UsageEvent]) -> None:
            await handle(events)
            await self.before()

        await super().receive(handled)


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # the output is for answers
    scene = Scene(**json.loads(sys.argv[1]))
    for number, line in enumerate(sys.stdin):
        child = os.fork()
        if not child:
            asyncio.run(_live(scene, f"gw_{number}", _Life(int(line))))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        answer = "finished" if status == 0 else "killed" if os.WTERMSIG(status) == signal.SIGKILL else "failed"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


async def _live(scene: Scene, name: str, life: _Life) -> None:
    options = MongoOptions(url=scene.mongo_url, database=scene.database)
    async with open_database(options) as plain, _sync(scene, name, plain, life) as sync:
        now = await server_time(plain)
        await sync.tell(Counted(number=1, at=now, requests={AccountId(scene.account): REQUESTS}))
        await sync.collect()
        await _until_written(plain, name, scene)
        await (sync.flush() if isinstance(sync, DeltaSync) else sync.store())


@asynccontextmanager
async def _sync(scene: Scene, name: str, plain: Database, life: _Life) -> AsyncIterator[DeltaSync | EventSync]:
    stores = Stores.of(stepped(plain, life))
    if scene.mode == "deltas":
        async with _Counter.open(scene.url, prefix=scene.prefix) as counter:
            counter.before = life
            yield DeltaSync(stores, counter, gateway=name)
        return
    async with _Queue.open(scene.url, prefix=scene.prefix) as queue:
        queue.before = life
        sync = EventSync(stores, queue, gateway=name)
        async with running(sync.receive):
            yield sync


async def _until_written(plain: Database, name: str, scene: Scene) -> None:
    """Until all that was sent is in the log, by this process or by what an earlier one left in the queue."""
    if scene.mode == "deltas":
        return
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await _is_written(plain, name, scene):  # noqa: ASYNC110  (the queue is another server's: no event)
            await asyncio.sleep(0.005)


async def _is_written(plain: Database, name: str, scene: Scene) -> bool:
    told = await plain["usage_events"].find_one({"_id": f"{name}.1.{scene.account}"}, {"_id": 1})
    return told is not None and await plain["jobs"].find_one({"uncounted": True}, {"_id": 1}) is None


if __name__ == "__main__":
    main()
