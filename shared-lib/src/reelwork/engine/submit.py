"""Accepting a job: it is stored, and that is all a caller waits for. Lane and ticket follow in the background."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms, tickets_for
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake
from reelwork.engine.log_events import STATUS_EVENTS
from reelwork.engine.reserving import Ask, Purse
from reelwork.engine.settling import STORED_WITHIN
from reelwork.store.jobs import Jobs

# The first job of a lane is announced at once; those that follow within this time are announced together. Whoever
# works in the lane takes them without being told: this is how long one that comes after the last may have to wait.
PAUSE = timedelta(milliseconds=50)
# How long a job that another request is just storing may take to become durable.
PATIENCE = timedelta(seconds=3)

log = structlog.get_logger(__name__)


class LaneOpener:
    """Opens lanes and publishes tickets for jobs that are stored already, many jobs of a lane at once.

    What it forgets in a crash the reconciler makes up. Memory is bounded by the number of lanes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: Counter[LaneTerms] = Counter()
        self._resting: set[LaneTerms] = set()
        self._due: asyncio.Queue[LaneTerms] = asyncio.Queue()

    def announce(self, terms: LaneTerms, count: int = 1) -> None:
        """More claimable jobs in this lane. Never blocks."""
        if not self._waiting[terms] and terms not in self._resting:
            self._due.put_nowait(terms)
        self._waiting[terms] += count

    async def run(self) -> None:
        """Until cancelled; owned by whoever wires the process."""
        while True:
            terms = await self._due.get()
            count = self._waiting.pop(terms)
            self._resting.add(terms)
            asyncio.get_running_loop().call_later(PAUSE.total_seconds(), self._rested, terms)
            await self._open(terms, count)

    def _rested(self, terms: LaneTerms) -> None:
        self._resting.discard(terms)
        if self._waiting[terms]:
            self._due.put_nowait(terms)
        else:
            del self._waiting[terms]

    async def _open(self, terms: LaneTerms, count: int) -> None:
        try:
            estimate = await self._engine.stores.lanes.open(terms)
        except StoreUnavailable as error:
            log.warning("lane.not_opened", lane=terms.id, reason=error.detail)
            return
        self._engine.broker.publish(terms.pool, tickets_for(count, estimate_seconds=estimate))


async def submit(
    intake: Intake,
    opener: LaneOpener,
    job: Job,
    terms: LaneTerms,
    *,
    purse: Purse | None = None,
    price: int = 0,
    announced: bool = True,
) -> Job | None:
    """Store the job durably; it will reach a terminal state from here on. The answer is it as it is stored; None: one
    of this id was there before.

    What it costs and counts is reserved from the `purse` first; None: it costs nothing. A job that has ended already
    costs nothing either. `announced`: False where the caller claims it at once, and announces it if that fails.

    Raises QuotaExceeded, SpendCapReached, InsufficientCredits: then nothing was stored; and StoreUnavailable: then it
    may be there or not.
    """
    by = time.monotonic() + STORED_WITHIN.total_seconds()
    if purse is not None and not job.status.is_terminal:
        (bill,) = await purse.reserve(Ask(job_id=job.id, price=price))
        job = replace(job, bill=bill)
    is_new = await intake.store(job, by=by)
    if purse is not None and not is_new:
        await purse.give_back(job.bill)
    if announced and not job.status.is_terminal:  # else it was answered by an earlier job's outputs
        opener.announce(terms)
    if is_new:
        told = {"job_id": job.id, "model": job.model, "lane": job.lane, "source_job_id": job.source_job_id}
        log.info(STATUS_EVENTS[job.status], **told)
    return job if is_new else None


async def stored_before(jobs: Jobs, job: Job) -> Job:
    """The job that was there before this one, under the same id, once it is durable. Raises StoreUnavailable."""
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while (found := await jobs.get(job.account_id, job.id)) is None:  # noqa: ASYNC110  (not yet at the majority)
                await asyncio.sleep(PAUSE.total_seconds())
    except TimeoutError as error:
        raise StoreUnavailable(
            "The job is there, but not yet durable.", hint="Send the same request again.", retry_after_seconds=1
        ) from error
    return found
