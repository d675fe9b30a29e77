"""Storing jobs that arrive at the same time in one write (group commit): one wait for the disk serves them all.

DeWitt et al., "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.store.jobs import Jobs

# Jobs in one write: with bodies of at most 1 MiB, far below the 48 MB of a message to MongoDB.
MOST_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class _Waiting:
    job: Job
    by: float | None
    stored: asyncio.Future[bool]


class Intake:
    """Whoever comes while a write is under way goes with the next one; nobody waits for company."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()

    async def store(self, job: Job, *, by: float | None = None) -> bool:
        """Durable when this returns: True for this very job, False for one of the same id that was there before.

        `by`: not to be written after this moment of `time.monotonic`. Raises StoreUnavailable: then it may be there or
        not.
        """
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(job, by, stored))
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
        now = time.monotonic()
        late = [one for one in together if one.by is not None and one.by < now]
        _refuse(late, StoreUnavailable("The job could not be stored in time.", retry_after_seconds=1))
        together = [one for one in together if one not in late]
        try:
            known = await self._jobs.insert(*(one.job for one in together)) if together else frozenset()
        except StoreUnavailable as error:
            _refuse([*together, *self._waiting], error)  # whoever came meanwhile would wait as long for the same answer
            self._waiting.clear()
        except Exception as error:
            _refuse(together, error)  # nobody else would ever answer them
            raise
        else:
            for one in together:
                if not one.stored.done():  # else its caller went away
                    one.stored.set_result(one.job.id not in known)


def _refuse(waiting: Iterable[_Waiting], error: Exception) -> None:
    for one in waiting:
        if not one.stored.done():
            one.stored.set_exception(error)
