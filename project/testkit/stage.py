"""A world on an event loop of its own, for tests whose steps are not coroutines; its processes die on command."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import Any, Self, TypeVar

from reelwork.objects.s3 import ObjectStore
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.pools import Pools
from reelwork.store.stores import Stores
from testkit.invariants import check_history, check_lane, check_outputs
from testkit.services import Bucket
from testkit.steps import Died, Mortality, Turns, stepped, stepped_objects
from testkit.world import NO_BUCKET, World, options_of

T = TypeVar("T")


class Stage:
    """`do` what cannot fail; `try_to` what a process may die of (`died`: it did); `play` several at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, world: World, mortality: Mortality, turns: Turns) -> None:
        self.world = world
        self._turns = turns
        self.died = False
        self._loop = loop
        self._mortality = mortality

    @classmethod
    @contextmanager
    def open(cls, url: str, database: str, *, bucket: Bucket | None = None) -> Iterator[Self]:
        """A stage for the length of the context."""
        loop, mortality, turns, stack = asyncio.new_event_loop(), Mortality(), Turns(), AsyncExitStack()

        async def before() -> None:
            await turns()
            await mortality()

        async def opened() -> World:
            options = MongoOptions(url=url, database=database)
            connected = await stack.enter_async_context(open_database(options))
            await ensure_indexes(connected)
            objects = await stack.enter_async_context(ObjectStore.open(options_of(bucket) if bucket else NO_BUCKET))
            stepping = stepped(connected, before)
            # The number of operations must not depend on how much time has passed.
            stores = replace(Stores.of(stepping), pools=Pools(stepping, remembers=False))
            return World.over(stepping, stepped_objects(objects, before), stores=stores)

        try:
            yield cls(loop, loop.run_until_complete(opened()), mortality, turns)
        finally:
            loop.run_until_complete(stack.aclose())
            loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it."""
        return self._loop.run_until_complete(work)

    def try_to(self, work: Coroutine[Any, Any, T], lives: int | None) -> T | None:
        """Do it in a process that dies before its next but `lives` operation on a server (None: lives on)."""
        self._mortality.die_before(lives)
        self.died = False
        try:
            return self.do(work)
        except Died:
            self.died = True
            return None
        finally:
            self._mortality.die_before(None)

    def play(
        self,
        *parts: Coroutine[Any, Any, T],
        choices: Iterable[int],
        look: Callable[[], Awaitable[None]] | None = None,
    ) -> list[T]:
        """Do all of it at once, interleaved as the choices say (see `Turns.play`); the invariants hold all the time.

        `look`: checks something else all the time.
        """
        check = look or functools.partial(self._look, exact=False)
        return self.do(self._turns.play(*parts, choices=choices, look=check))

    def check(self) -> None:
        """The invariants hold, and no place is orphaned."""
        self.do(self._look(exact=True))

    async def _look(self, *, exact: bool) -> None:
        jobs = await self.world.database["jobs"].find().to_list()
        for job in jobs:
            check_history(job)
            check_outputs(job)
        for lane in await self.world.lanes():
            check_lane(lane, [job for job in jobs if job["lane"] == lane["_id"]], exact=exact)
