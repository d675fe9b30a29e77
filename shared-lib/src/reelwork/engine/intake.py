"""Storing jobs that arrive at the same time in one write (group commit): one wait for the disk serves them all.

DeWitt et al., "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.store.jobs import Jobs

_Waiting: TypeAlias = tuple[Job, asyncio.Future[bool]]

# Jobs in one write: with bodies of at most 1 MiB, far below the 48 MB of a message to MongoDB.
MOST_AT_ONCE = 32


class Intake:
    """Whoever comes while a write is under way goes with the next one; nobody waits for company."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()

    async def store(self, job: Job) -> bool:
        """Durable when this returns: True for this very job, False for one of the same id that was there before.

        Raises StoreUnavailable: then it may be there or not.
        """
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, stored))
        self._wake.set()
        return await stored

    async def run(self) -> None:
        """Until cancelled; owned by whoever wires the process."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._write([self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))])

    async def _write(self, together: list[_Waiting]) -> None:
        try:
            known = await self._jobs.insert(*(job for job, _ in together))
        except StoreUnavailable as error:
            _refuse([*together, *self._waiting], error)  # whoever came meanwhile would wait as long for the same answer
            self._waiting.clear()
        except Exception as error:
            _refuse(together, error)  # nobody else would ever answer them
            raise
        else:
            for job, stored in together:
                if not stored.done():  # else its caller went away
                    stored.set_result(job.id not in known)


def _refuse(waiting: Iterable[_Waiting], error: Exception) -> None:
    for _, stored in waiting:
        if not stored.done():
            stored.set_exception(error)
