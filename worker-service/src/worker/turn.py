"""One turn of a job that a provider works on: ask it to begin, look how far it is, fetch what it made, or stop it.

No turn waits for a provider longer than one exchange takes. What was asked is stored before and after; so whoever takes
the next turn, in whatever process, asks nobody a second time: see docs/decisions/0022-remote-models.md.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import anyio
import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job, Status
from reelwork.domain.remote import WebhookNote
from reelwork.domain.retry import DEADLINE_EXCEEDED, AttemptFailure
from reelwork.engine.calls import begin_call
from reelwork.engine.engine import Engine, claimed
from reelwork.engine.files import Files, InputMissing
from reelwork.generator import (
    GenerationError,
    Parameters,
    ProviderUnavailable,
    RateLimited,
    RemoteState,
    RemoteStatus,
    SubmissionUnknown,
)
from reelwork.objects.errors import ObjectStoreDown
from worker.attempt import failure_of
from worker.catalogue import Models
from worker.exchange import AnyRemote, Exchange
from worker.lifeline import Lifeline, Stop
from worker.pause import AGAIN_SECONDS, KEPT_SECONDS, Pause, for_good
from worker.results import Results
from worker.routing import elsewhere, model_for, note
from worker.telling import told

log = structlog.get_logger(__name__)

Outcome: TypeAlias = AttemptFailure | Stop | None

# How often a provider is told to stop before the job ends without its word.
MOST_CANCELS = 3
LONGEST_HANDLE = 1000
# A result that came with the answer, but by address, is tried to be fetched so long.
FETCHED_SECONDS = 60.0

_STOPPED_THERE = AttemptFailure(
    code="provider_cancelled", message="The task was stopped at the provider.", retryable=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """How we reach what providers made, and how they reach us. `public_url`: the gateway as they see it, None if they
    cannot, without a slash at its end."""

    results: Results
    public_url: str | None = None


class Turn:
    """Takes one turn of a claimed or resumed job. After `run`, `why` tells how it went as for any attempt: None for
    success, WAITING when the job waits for its next turn. `abandoned`: a thread of it hangs in an exchange."""

    def __init__(self, engine: Engine, job: Job, files: Files, outside: Outside) -> None:
        self._engine = engine
        self._files = files
        self._outside = outside
        self._lifeline = Lifeline(engine, job)
        self._pause = Pause(engine, job, self._lifeline)
        self._fetching = anyio.CancelScope()
        self.why: Outcome = None
        self.abandoned = False

    @property
    def job(self) -> Job:
        """As it is now, so far as this turn knows."""
        return self._pause.job

    @property
    def earlier(self) -> timedelta:
        """How long the attempt had lasted when this turn began."""
        return self._pause.earlier

    def leave(self) -> None:
        """Stop, because this worker ends. On the event loop only."""
        self._lifeline.leave()

    async def run(self, models: Models, scratch: Path) -> None:
        """Take the turn; its files are in a folder of its own below `scratch`, which is gone afterwards."""
        fence = claimed(self._pause.job)
        folder = scratch / f"{fence.slot}-{fence.turn}"
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch)
                self.why = await self._take(models, folder)
                tasks.cancel_scope.cancel()
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    async def _watch(self) -> None:
        await self._lifeline.run()
        if self._lifeline.stop is not Stop.LEAVING or not self._has_result_only_here:
            self._fetching.cancel()

    async def _take(self, models: Models, folder: Path) -> Outcome:
        job = self._pause.job
        try:
            model = await self._model(models)
            params = model.parameters.from_input(job.input)
        except Exception as error:  # noqa: BLE001  (the edge to foreign code: whatever it raises ends this turn only)
            return failure_of(error) if job.call is None else await self._pause.after_fault(error)
        exchange = self._exchange(model, folder)
        try:
            return await self._go_on(exchange, params)
        finally:
            self.abandoned = exchange.hangs

    async def _model(self, models: Models) -> AnyRemote:
        """The one that was asked in this attempt, else the one to ask."""
        job = self._pause.job
        if job.call is not None:
            return await models.remote(job.call.model)
        return await model_for(job, models, self._engine.stores.circuits)

    def _exchange(self, model: AnyRemote, folder: Path) -> Exchange:
        return Exchange(model, self._pause.job, self._files, folder, public_url=self._outside.public_url)

    async def _go_on(self, exchange: Exchange, params: Parameters) -> Outcome:
        job = self._pause.job
        if job.status is Status.CANCELLING:
            return await self._cancel(exchange)
        if job.call is None:
            return await self._begin(exchange, params)
        if job.call.note is not None and (known := await self._heard(exchange, job.call.note)) is not None:
            return known
        if job.call.handle is None:
            return await self._ask(exchange, params, again=True)
        try:
            status = await exchange.poll(job.call.handle)
        except Exception as error:  # noqa: BLE001  (the edge to foreign code)
            return await self._stop_late(exchange) or await self._pause.after_fault(error)
        return await self._conclude(exchange, status)

    async def _heard(self, exchange: Exchange, note: WebhookNote) -> Outcome:
        """None: the message is the provider's, so ask that one now. What is not costs it no question."""
        about = await exchange.heard(note)
        if about is None or self._pause.call.handle not in {None, about}:
            return await self._pause.as_before(note)
        return await self._accepted(exchange, about) if self._pause.call.handle is None else None

    async def _begin(self, exchange: Exchange, params: Parameters) -> Outcome:
        if self._lifeline.stop is not None:
            return self._lifeline.stop
        begun = await begin_call(self._engine, self._pause.job, model=exchange.model.id)
        if begun is None:
            return Stop.CANCELLED  # or not ours any more: its ending will find out
        self._pause.job = begun
        return await self._ask(self._exchange(exchange.model, exchange.folder), params, again=False)

    async def _ask(self, exchange: Exchange, params: Parameters, *, again: bool) -> Outcome:
        """Nothing stops this half-way but the end of the process: what the provider answers may have been paid for."""
        with anyio.CancelScope(shield=True):
            answer = await self._answer(exchange, params, again=again)
        return await self._conclude(exchange, answer) if isinstance(answer, RemoteStatus) else answer

    async def _answer(self, exchange: Exchange, params: Parameters, *, again: bool) -> RemoteStatus | Outcome:
        try:
            answer = await (exchange.recover(params) if again else exchange.submit(params))
        except Exception as error:  # noqa: BLE001  (the edge to foreign code)
            await note(self._engine.stores.circuits, exchange.model, error)
            return await (self._not_recovered(error) if again else self._not_asked(error))
        stored = answer if isinstance(answer, RemoteStatus) else await self._accepted(exchange, answer)
        await note(self._engine.stores.circuits, exchange.model, None)
        return stored

    async def _not_asked(self, error: Exception) -> Outcome:
        """Nothing was begun where the model, or our own storage, says so; else the next turn finds out."""
        known = isinstance(error, GenerationError | InputMissing | ObjectStoreDown | StoreUnavailable)
        if known and not isinstance(error, SubmissionUnknown):
            return elsewhere(error)
        fault = None if isinstance(error, SubmissionUnknown) else error  # the model's own: it wants looking at
        log.error("submission.unknown", job_id=self.job.id, reason=told(error), exc_info=fault)
        return await self._pause.after_fault(SubmissionUnknown("The submission ended in an unknown way."))

    async def _not_recovered(self, error: Exception) -> Outcome:
        if isinstance(error, ProviderUnavailable | RateLimited | ObjectStoreDown | StoreUnavailable):
            return await self._pause.after_fault(error)
        return for_good(error)

    async def _accepted(self, exchange: Exchange, handle: str) -> Outcome:
        if not 0 < len(handle) <= LONGEST_HANDLE:
            return for_good(ValueError(f"{exchange.model.id} has no usable handle"))
        stored = await self._pause.accepted(handle)
        if stored is None:
            await exchange.cancelled(handle)
        return stored or Stop.LOST

    async def _conclude(self, exchange: Exchange, status: RemoteStatus) -> Outcome:
        match self._lifeline.stop, status.state:
            case Stop.LOST, _:
                return Stop.LOST
            case Stop.CANCELLED, _:
                return await self._cancel(exchange)
            case _, RemoteState.SUCCEEDED:
                return await self._fetch(exchange, status)
            case _, RemoteState.FAILED | RemoteState.CANCELLED:
                return elsewhere(status.error) if status.error is not None else _STOPPED_THERE
            case _:
                return await self._go_on_waiting(exchange, status)

    async def _go_on_waiting(self, exchange: Exchange, status: RemoteStatus) -> Outcome:
        if self._has_result_only_here:
            return for_good(ValueError(f"{exchange.model.id} answered neither a handle nor a result"))
        return await self._stop_late(exchange) or await self._pause.until_next_look(status)

    async def _stop_late(self, exchange: Exchange) -> Outcome:
        """What ends a job whose time is up, also at its provider; None while it has time."""
        late, handle = self._pause.late(exchange.model), self._pause.call.handle
        if late is not None and handle is not None:
            await exchange.cancelled(handle)
        return late

    async def _fetch(self, exchange: Exchange, status: RemoteStatus) -> Outcome:
        self._lifeline.report(self._pause.progress("storing", 1.0))
        with self._fetching:
            return await self._store(exchange, status)
        match self._lifeline.stop:
            case Stop.CANCELLED:
                return await self._cancel(exchange)
            case Stop.LATE:
                return DEADLINE_EXCEEDED
            case Stop.LEAVING:
                return await self._pause.for_another_worker()
            case _:
                return Stop.LOST

    async def _store(self, exchange: Exchange, status: RemoteStatus) -> Outcome:
        """Results of a handle can be fetched in another turn; those that came with the answer are here alone."""
        began, waiting = time.monotonic(), list(enumerate(status.outputs))
        while waiting:
            index, output = waiting[0]
            try:
                made = await self._outside.results.artifact(
                    output, exchange.model.produces, exchange.folder, index=index
                )
                await self._files.store(made)
                waiting.pop(0)
            except (ObjectStoreDown, StoreUnavailable, GenerationError) as error:
                if not self._has_result_only_here or time.monotonic() - began > _patience(error):
                    return await self._pause.after_fault(error)
                log.warning("result.not_stored", job_id=self.job.id, reason=told(error))
                await anyio.sleep(AGAIN_SECONDS)
        if status.cost_usd is not None:
            log.info("provider.charged", job_id=self.job.id, model=exchange.model.id, cost_usd=status.cost_usd)
        return None

    async def _cancel(self, exchange: Exchange) -> Outcome:
        """The owner does not want it any more. The provider is told, some times if need be, but the job ends anyway."""
        call = self._pause.job.call
        if call is None or call.handle is None:
            return Stop.CANCELLED
        if await exchange.cancelled(call.handle) or call.faults + 1 >= MOST_CANCELS:
            return Stop.CANCELLED
        return await self._pause.after_fault(ProviderUnavailable("The provider was not told to stop."))

    @property
    def _has_result_only_here(self) -> bool:
        call = self._pause.job.call
        return call is not None and call.handle is None


def _patience(error: Exception) -> float:
    """How many seconds a result that is only here may wait for this to pass."""
    if isinstance(error, GenerationError):
        return FETCHED_SECONDS if error.retryable else 0.0
    return KEPT_SECONDS
