"""Accepting a job: it is stored, and that is all a caller waits for. Lane and ticket follow in the background."""

import asyncio
from collections import Counter
from datetime import timedelta

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms, tickets_for
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake

# The first job of an idle lane is announced at once; those that follow within this time are announced together.
PAUSE = timedelta(milliseconds=20)

log = structlog.get_logger(__name__)


class LaneOpener:
    """Opens lanes and publishes tickets for jobs that are stored already, one lane at a time, many jobs at once.

    What it forgets in a crash the reconciler makes up. Memory is bounded by the number of lanes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: Counter[LaneTerms] = Counter()
        self._wake = asyncio.Event()

    def announce(self, terms: LaneTerms) -> None:
        """One more claimable job in this lane. Never blocks."""
        self._waiting[terms] += 1
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; owned by whoever wires the process."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                terms = next(iter(self._waiting))  # whoever waits longest
                count = self._waiting.pop(terms)
                await self._open(terms, count)
            await asyncio.sleep(PAUSE.total_seconds())

    async def _open(self, terms: LaneTerms, count: int) -> None:
        try:
            estimate = await self._engine.stores.lanes.open(terms)
        except StoreUnavailable as error:
            log.warning("lane.not_opened", lane=terms.id, reason=error.detail)
            return
        self._engine.broker.publish(terms.pool, tickets_for(count, estimate_seconds=estimate))


async def submit(intake: Intake, opener: LaneOpener, job: Job, terms: LaneTerms) -> None:
    """Store the job durably; it will reach a terminal state from here on. Raises StoreUnavailable."""
    await intake.store(job)
    opener.announce(terms)
    log.info("job.queued", job_id=job.id, model=job.model, lane=job.lane)
