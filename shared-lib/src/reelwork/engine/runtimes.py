"""Remembering how long jobs took: noted in memory as they complete, written down together every few seconds.

No completion waits for it or costs a write. What a crash forgets was only statistics.
"""

import asyncio
import random
from collections import defaultdict
from datetime import timedelta

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.eta import size_class
from reelwork.domain.job import Job
from reelwork.store.runtimes import KEPT, Kind, Runtimes

INTERVAL = timedelta(seconds=2)
# Kinds of jobs between two writes; more than that many different ones are not worth remembering.
MOST_KINDS = 500

log = structlog.get_logger(__name__)


class RuntimeNotes:
    """Of one process."""

    def __init__(self) -> None:
        self._seconds: dict[Kind, list[float]] = defaultdict(list)

    def note(self, job: Job, used: timedelta) -> None:
        """A run of this job succeeded. Never blocks; bounded."""
        kind = (job.model, size_class(job.input))
        if kind not in self._seconds and len(self._seconds) >= MOST_KINDS:
            return
        lengths = self._seconds[kind]
        if len(lengths) < KEPT:
            lengths.append(used.total_seconds())
        else:  # a sample of a burst, in which later runs count like earlier ones
            lengths[random.randrange(KEPT)] = used.total_seconds()  # noqa: S311  (no secret)

    async def write(self, runtimes: Runtimes) -> None:
        """Write down what was noted. Raises StoreUnavailable; then it is forgotten."""
        noted, self._seconds = self._seconds, defaultdict(list)
        await runtimes.add(noted)

    async def run(self, runtimes: Runtimes) -> None:
        """Every few seconds until cancelled; owned by whoever wires the process."""
        while True:
            await asyncio.sleep(INTERVAL.total_seconds())
            try:
                await self.write(runtimes)
            except StoreUnavailable as error:
                log.warning("runtimes.not_written", reason=error.detail)
