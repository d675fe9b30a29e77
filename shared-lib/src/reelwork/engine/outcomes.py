"""Remembering how jobs of each model ended: noted in memory, written down together every few seconds.

No ending waits for it or costs a write. What a crash forgets was only statistics.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.lifecycle import reference
from reelwork.store.statistics import KEPT, Outcomes, Statistics

INTERVAL = timedelta(seconds=2)
# Versions of models between two writes; more than that many different ones are not worth remembering.
MOST_MODELS = 500

log = structlog.get_logger(__name__)


class OutcomeNotes:
    """Of one process."""

    def __init__(self) -> None:
        self._noted: dict[str, Outcomes] = {}

    def completed(self, job: Job, used: timedelta) -> None:
        """A run of this job succeeded. Never blocks; bounded."""
        known = self._known(job)
        if known is not None:
            _append(known.runs, used.total_seconds())
            self._noted[reference(job.model, job.model_version)] = replace(known, completed=known.completed + 1)

    def failed(self, job: Job) -> None:
        """This job failed for good."""
        known = self._known(job)
        if known is not None:
            self._noted[reference(job.model, job.model_version)] = replace(known, failed=known.failed + 1)

    def _known(self, job: Job) -> Outcomes | None:
        """What is noted of its model, with how long the job was queued; None for one model too many."""
        model = reference(job.model, job.model_version)
        if model not in self._noted and len(self._noted) >= MOST_MODELS:
            return None
        known = self._noted.setdefault(model, Outcomes())
        if job.attempt == 1 and job.started_at is not None and job.queued_at is not None:
            _append(known.queued, max(0.0, (job.started_at - job.queued_at).total_seconds()))
        return known

    async def write(self, statistics: Statistics) -> None:
        """Write down what was noted. Raises StoreUnavailable; then it is forgotten."""
        noted, self._noted = self._noted, {}
        await statistics.add(noted)

    async def run(self, statistics: Statistics) -> None:
        """Every few seconds until cancelled; owned by whoever wires the process."""
        while True:
            await asyncio.sleep(INTERVAL.total_seconds())
            try:
                await self.write(statistics)
            except StoreUnavailable as error:
                log.warning("outcomes.not_written", reason=error.detail)


def _append(samples: list[float], seconds: float) -> None:
    """The newest count: no more are kept in the end."""
    samples.append(seconds)
    del samples[:-KEPT]
