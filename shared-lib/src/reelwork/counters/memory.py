"""Windows in this process's memory: exact for one gateway, and each of several counts for itself."""

import time
from collections.abc import Sequence

from limits.aio.storage import MemoryStorage

from reelwork.counters.windows import Question, standing
from reelwork.domain.rate import Standing


class MemoryWindows:
    """Never down; forgets everything with the process."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()

    async def ask(self, questions: Sequence[Question]) -> list[Standing]:
        return [await self._answer(question) for question in questions]

    async def forget(self) -> None:
        """There are no connections."""

    async def ping(self) -> None:
        """It is always there."""

    async def _answer(self, question: Question) -> Standing:
        rate, key = question.rate, question.key
        taken = not question.take or await self._storage.acquire_entry(key, rate.amount, rate.seconds)
        oldest, used = await self._storage.get_moving_window(key, rate.amount, rate.seconds)
        return standing(rate, allowed=taken, used=used, oldest=oldest, now=time.time())
