"""Windows in this process's memory: exact for one gateway, and each of several counts for itself."""

import asyncio
import time
from collections.abc import Sequence

from limits.aio.storage import MemoryStorage

from reelwork.counters.windows import Question, standing
from reelwork.domain.rate import Standing

# The library looks for what has expired with each request, in a thread, and holds the counter meanwhile: that takes
# longer than counting. What is kept longer than needed is at most what a limit lets through in this time.
EXPIRY_SECONDS = 1.0


class MemoryWindows:
    """Never down; forgets everything with the process."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._paused = False

    async def ask(self, questions: Sequence[Question]) -> list[Standing]:
        return [await self._answer(question) for question in questions]

    async def forget(self) -> None:
        """There are no connections."""

    async def ping(self) -> None:
        """It is always there."""

    def _next_timer(self) -> asyncio.Task[None] | None:
        """What the library takes for its own task of looking: a pause after each look, and none after a pause."""
        self._paused = not self._paused
        return asyncio.create_task(asyncio.sleep(EXPIRY_SECONDS)) if self._paused else None

    async def _answer(self, question: Question) -> Standing:
        rate, key = question.rate, question.key
        if question.units and (self._storage.timer is None or self._storage.timer.done()):
            self._storage.timer = self._next_timer()
        taken = not question.units or await self._storage.acquire_entry(key, rate.amount, rate.seconds, question.units)
        blocking = None if taken else self._blocking(question)
        if not taken and question.held:
            async with self._storage.locks[key]:
                del self._storage.events.get(key, [])[: question.held]
        oldest, used = await self._storage.get_moving_window(key, rate.amount, rate.seconds)
        return standing(rate, used=used, oldest=oldest, blocking=blocking, now=time.time())

    def _blocking(self, question: Question) -> float:
        """The moment of the one that has to leave the window before there is room for these units."""
        events, place = self._storage.events.get(question.key, []), question.rate.amount - question.units
        return events[place].atime if 0 <= place < len(events) else time.time()
