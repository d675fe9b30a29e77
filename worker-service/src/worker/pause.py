"""Ending a turn without ending its attempt: the job waits, and whoever is free when it is due takes the next turn."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

import anyio
import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job, Progress
from reelwork.domain.remote import RemoteCall, WebhookNote, after_fault, until_next_look
from reelwork.domain.retry import DEADLINE_EXCEEDED, AttemptFailure
from reelwork.engine.calls import put_off
from reelwork.engine.engine import Engine, claimed
from reelwork.generator import (
    GenerationError,
    ProviderUnavailable,
    RateLimited,
    RemoteState,
    RemoteStatus,
    SubmissionUnknown,
)
from reelwork.objects.errors import ObjectStoreDown
from worker.attempt import failure_of, limit_of
from worker.exchange import AnyRemote
from worker.lifeline import Lifeline, Stop, announce
from worker.telling import told

log = structlog.get_logger(__name__)

# A handle or a result that was paid for is kept in memory so long while our own servers are away.
KEPT_SECONDS = 3600.0
AGAIN_SECONDS = 0.5
# Looks in a row that may come to nothing: for reasons that nobody named, and because our own storage is away (about an
# hour). A provider that does not answer is asked until the job's time is up.
MOST_FAULTS = 6
MOST_STORAGE_FAULTS = 65

_RUN_TIMEOUT = AttemptFailure(
    code="run_timeout", message="The provider did not finish within the time limit.", retryable=False
)


class Pause:
    """The ways out of one turn that leave the job with its provider."""

    def __init__(self, engine: Engine, job: Job, lifeline: Lifeline) -> None:
        self._engine = engine
        self._lifeline = lifeline
        self._began = time.monotonic()
        self.job = job  # as it is now: the turn may still ask the provider
        self.earlier = _earlier(job)

    @property
    def call(self) -> RemoteCall:
        """What was asked. Raises RuntimeError before that."""
        if self.job.call is None:
            raise RuntimeError(f"{self.job.id} has asked nobody yet")
        return self.job.call

    def late(self, model: AnyRemote) -> AttemptFailure | None:
        """Why the provider has to stop now; None while the job has time."""
        if not self._lifeline.until_late():
            return DEADLINE_EXCEEDED
        return _RUN_TIMEOUT if self._so_far() >= limit_of(model, self.job) else None

    async def accepted(self, handle: str) -> Stop | None:
        """The handle is all there is of what was paid for: it is stored before anything else happens, however long our
        own database is away. None: the job has ended meanwhile, and nobody will ask for the result."""
        deadline = time.monotonic() + KEPT_SECONDS
        while time.monotonic() < deadline:
            try:
                return await self._stored(handle)
            except StoreUnavailable as error:
                log.warning("call.not_stored", job_id=self.job.id, reason=error.detail)
                await anyio.sleep(AGAIN_SECONDS)
        log.error("call.lost", job_id=self.job.id, handle=handle)
        return Stop.LOST

    async def _stored(self, handle: str) -> Stop | None:
        if await self._put_off(until_next_look(0.0, None), handle=handle, progress=self.progress("submitted")):
            return Stop.WAITING
        kept = await self._engine.stores.calls.keep(claimed(self.job), self.call.token, handle)
        return Stop.WAITING if kept else None

    async def until_next_look(self, status: RemoteStatus) -> Stop:
        """The provider works on it, or has it in its own queue."""
        stage = "queued_at_provider" if status.state is RemoteState.QUEUED else "generating"
        progress = self.progress(stage, status.progress, status.message)
        return await self._wait(until_next_look(self._so_far(), status.poll_after), progress=progress)

    async def as_before(self, note: WebhookNote) -> Stop:
        """The message is worth nothing: the next turn is due when it would have been without it."""
        return await self._wait(max(0.0, (note.was_due_at - self.call.turn_at).total_seconds()))

    async def for_another_worker(self) -> Stop:
        """The next turn is due at once."""
        return await self._wait(0.0)

    async def after_fault(self, error: Exception) -> Stop | AttemptFailure:
        """This turn came to nothing. Another one follows, unless that cannot help, or enough of them did not: then the
        failure is for good, since another attempt would be paid for again."""
        patience: float = MOST_FAULTS
        match error:
            case ProviderUnavailable() | RateLimited():
                patience = float("inf")
            case ObjectStoreDown() | StoreUnavailable():
                patience = MOST_STORAGE_FAULTS
            case GenerationError() if not isinstance(error, SubmissionUnknown) and not error.retryable:
                return for_good(error)
        faults = self.call.faults + 1
        if faults > patience:
            return for_good(error)
        if not self._lifeline.until_late():
            return DEADLINE_EXCEEDED
        log.warning("turn.failed", job_id=self.job.id, faults=faults, reason=told(error))
        wish = error.retry_after if isinstance(error, GenerationError) else None
        return await self._wait(after_fault(faults, wish), fault=True)

    async def _wait(self, seconds: float, *, progress: Progress | None = None, fault: bool = False) -> Stop:
        leaving = self._lifeline.stop is Stop.LEAVING
        try:
            waits = await self._put_off(0.0 if leaving else seconds, progress=progress, fault=fault)
        except StoreUnavailable as error:
            log.warning("turn.not_ended", job_id=self.job.id, reason=error.detail)  # the lease decides
            return Stop.LOST
        return Stop.WAITING if waits else Stop.LOST

    async def _put_off(
        self, seconds: float, *, handle: str | None = None, progress: Progress | None = None, fault: bool = False
    ) -> bool:
        delay = timedelta(seconds=seconds)
        if not await put_off(self._engine, self.job, delay, handle=handle, progress=progress, fault=fault):
            return False
        if progress is not None:
            announce(self._engine, self.job, progress)
        # A ticket in time; where this process is gone by then, the reconciler's comes a second later.
        asyncio.get_running_loop().call_later(seconds, partial(self._engine.broker.publish, self.job.pool))
        return True

    def progress(self, stage: str, fraction: float | None = None, message: str = "") -> Progress:
        """Never less than it was: a provider may begin anew."""
        reached = max(self.job.progress.fraction, min(max(fraction or 0.0, 0.0), 1.0))
        return Progress(fraction=reached, stage=stage, message=told(message))

    def _so_far(self) -> float:
        """Seconds since the attempt began."""
        return self.earlier.total_seconds() + time.monotonic() - self._began


def for_good(error: Exception) -> AttemptFailure:
    """A failure after which no other attempt is made by itself."""
    return replace(failure_of(error), retryable=False)


def _earlier(job: Job) -> timedelta:
    """How long the attempt had lasted when this turn began."""
    if job.call is None or job.started_at is None:
        return timedelta()
    return max(timedelta(), job.call.turn_at - job.started_at)
