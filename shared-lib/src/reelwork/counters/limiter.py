"""The rate limiter as requests see it: it answers soon, and one that is down lets everything through."""

import asyncio
from collections import deque
from typing import TypeAlias

import structlog

from reelwork.counters.memory import MemoryWindows
from reelwork.counters.windows import LimiterDown, Question, Windows
from reelwork.domain.rate import Rate, Standing

log = structlog.get_logger(__name__)

_Waiting: TypeAlias = tuple[Question, asyncio.Future[Standing]]

# How long one question may hold up a request: that of a loop which has time. Where the loop itself is busy, each of the
# parts takes longer, and an answer that has long arrived is still found: a gateway under load is no reason to be open.
PATIENCE_SECONDS = 0.1
_PARTS = 10
# After a failure everything passes unasked; one request in each such time finds out whether the storage is back.
PAUSE_SECONDS = 1.0
MOST_AT_ONCE = 128


class Limiter:
    """Questions that arrive together go to the storage together (as jobs do, `engine/intake.py`).

    One in this process's memory (`MemoryWindows`) is asked at once: it has no way that could be shared, or be long.
    """

    def __init__(self, windows: Windows, *, patience: float = PATIENCE_SECONDS, pause: float = PAUSE_SECONDS) -> None:
        """`patience` and `pause` in seconds: see the constants above."""
        self._at_hand = isinstance(windows, MemoryWindows)
        self._windows = windows
        self._patience = patience
        self._pause = pause
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._down = False
        self._next_try = 0.0
        self._unchecked = 0

    @property
    def is_down(self) -> bool:
        return self._down

    @property
    def unchecked(self) -> int:
        """Requests that were let through without being counted, since the start of this process."""
        return self._unchecked

    async def take(self, rate: Rate, subject: str, units: int = 1, *, held: int = 0) -> Standing:
        """Count a request if there is room for all its units, else give back the `held` that were counted of it before.
        Never raises for want of a storage: then it is allowed.
        """
        standing = await self._ask(Question(rate=rate, subject=subject, units=units, held=held))
        self._unchecked += standing.remaining is None
        return standing

    async def look(self, rate: Rate, subject: str) -> Standing:
        """The same without counting one."""
        return await self._ask(Question(rate=rate, subject=subject, units=0))

    async def ping(self) -> None:
        """Raises LimiterDown."""
        await self._windows.ping()

    async def run(self) -> None:
        """Until cancelled; owned by whoever wires the process."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._answer([self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))])

    async def _ask(self, question: Question) -> Standing:
        if self._at_hand:
            return (await self._windows.ask([question]))[0]
        loop = asyncio.get_running_loop()
        if self._down:
            if loop.time() < self._next_try:
                return _unknown(question)
            self._next_try = loop.time() + self._pause  # this one tries; whoever comes meanwhile does not wait for it
        answered: asyncio.Future[Standing] = loop.create_future()
        self._waiting.append((question, answered))
        self._wake.set()
        return await answered

    async def _answer(self, together: list[_Waiting]) -> None:
        try:
            standings = await self._in_time([question for question, _ in together])
        except Exception as error:  # noqa: BLE001  (whatever is wrong with the limiter, it keeps nobody out)
            self._fail(error)
            together += self._waiting  # whoever came meanwhile would wait as long for the same
            self._waiting.clear()
            standings = [_unknown(question) for question, _ in together]
        else:
            self._succeed()
        for (_, answered), standing in zip(together, standings, strict=True):
            if not answered.done():  # else its caller went away
                answered.set_result(standing)

    async def _in_time(self, questions: list[Question]) -> list[Standing]:
        """Raises LimiterDown, also for an answer that takes too long."""
        asking = asyncio.create_task(self._windows.ask(questions))
        try:
            for _ in range(_PARTS):
                await asyncio.wait([asking], timeout=self._patience / _PARTS)
                if asking.done():
                    return asking.result()
        finally:
            asking.cancel()
        await asyncio.wait([asking], timeout=self._patience)
        if asking.done() and not asking.cancelled():
            asking.exception()  # what went wrong after it was given up is of no interest; unread, asyncio would tell
        await self._windows.forget()
        raise LimiterDown(f"no answer within {self._patience:g} s")

    def _fail(self, error: Exception) -> None:
        self._next_try = asyncio.get_running_loop().time() + self._pause
        if not self._down:
            self._down = True
            log.warning("limiter.down", reason=str(error) if isinstance(error, LimiterDown) else repr(error))

    def _succeed(self) -> None:
        if self._down:
            self._down = False
            log.info("limiter.back", unchecked=self._unchecked)


def _unknown(question: Question) -> Standing:
    return Standing(rate=question.rate, allowed=True, remaining=None)
