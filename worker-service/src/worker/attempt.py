"""One attempt: a model runs in a thread, with a lifeline beside it."""

import math
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.retry import DEADLINE_EXCEEDED, AttemptFailure
from reelwork.engine.engine import Engine, claimed
from reelwork.engine.files import Files, InputMissing
from reelwork.generator import (
    AnyModel,
    GenerationContext,
    GenerationError,
    Interruption,
    Progress,
    TimeLimitExceeded,
)
from reelwork.objects.errors import ObjectMissing, ObjectStoreDown
from worker.catalogue import Models, contained
from worker.lifeline import Lifeline, Stop
from worker.telling import progress_told, told

log = structlog.get_logger(__name__)

# A worker that ends has waited long enough; most models hear it at their next sign of life.
LEAVING_GRACE = timedelta(seconds=1)


class _TimedOut(Exception):
    """The model used up its time, whether or not it stopped by itself then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt that is over, not yet written down.

    `why`: what kept it from success, None if nothing did. `abandoned`: its thread runs on and cannot be stopped.
    """

    job: Job
    files: Files
    used: timedelta
    why: AttemptFailure | Stop | None
    abandoned: bool = False


class Attempt:
    """Runs one claimed job. After `run`, `why` tells what kept it from success, and `abandoned` whether its thread
    still runs and cannot be stopped but with its process."""

    def __init__(self, engine: Engine, job: Job, files: Files, *, grace: timedelta) -> None:
        self._job = job
        self._files = files
        self._grace = grace
        self._lifeline = Lifeline(engine, job)
        self.earlier = timedelta()  # it has not run before
        self.why: AttemptFailure | Stop | None = None
        self.abandoned = False

    @property
    def job(self) -> Job:
        return self._job

    async def run(self, models: Models, scratch: Path) -> None:
        """Run until the model ends, or must end: asked first, left behind after the grace time.

        Its files are in a folder of its own below `scratch`, which is gone afterwards.
        """
        returned = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, tasks.cancel_scope)
            try:
                await self._generate(models, scratch)
                returned = True
            except anyio.get_cancelled_exc_class():
                self._lifeline.stop = self._lifeline.stop or Stop.LOST  # the thread ends at its next sign of life
                raise
            finally:
                tasks.cancel_scope.cancel()
        self.abandoned = self.abandoned or not returned
        succeeded = returned and self.why is None
        match self._lifeline.stop:
            case Stop.LATE:  # what is finished all the same counts
                self.why = None if succeeded and not self.abandoned else DEADLINE_EXCEEDED
            case Stop() as stop:
                self.why = stop
            case None:
                pass

    def leave(self) -> None:
        """Stop, because this worker ends: the job is handed back. On the event loop only."""
        self._lifeline.leave()

    async def _watch(self, scope: anyio.CancelScope) -> None:
        await self._lifeline.run()
        grace = LEAVING_GRACE if self._lifeline.stop is Stop.LEAVING else self._grace
        await anyio.sleep(grace.total_seconds())
        scope.cancel()

    async def _generate(self, models: Models, scratch: Path) -> None:
        try:
            model = await models.ready(self._job.model)
            with anyio.move_on_after(limit_of(model, self._job) + self._grace.total_seconds()) as patience:
                await anyio.to_thread.run_sync(self._call, model, scratch, abandon_on_cancel=True)
            if patience.cancelled_caught:
                self.abandoned = True
                self.why = failure_of(_TimedOut())
        except Interruption as interruption:
            self.why = AttemptFailure(code=interruption.code, message="The model stopped by itself.", retryable=False)
        except Exception as error:  # noqa: BLE001  (the edge to foreign code: whatever it raises ends this attempt only)
            self.why = failure_of(error)

    def _call(self, model: AnyModel, scratch: Path) -> None:
        """In the model's own thread, from the first file to the last."""
        folder = scratch / claimed(self._job).slot
        context = self._context(folder, limit_of(model, self._job))
        try:
            with contained():
                for artifact in model.generate(model.parameters.from_input(self._job.input), context):
                    context.check()
                    anyio.from_thread.run(self._files.store, artifact)
        except TimeLimitExceeded as error:
            raise _TimedOut(str(error)) from error
        finally:
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)

    def _context(self, folder: Path, limit_seconds: float) -> GenerationContext:
        return GenerationContext(
            job_id=self._job.id,
            workdir=folder,
            seed=self._job.seed,
            fetch=lambda asset: self._fetch(asset, folder),
            report=self._report,
            is_cancelled=lambda: self._lifeline.stop is not None,
            pause=self._lifeline.pause,
            time_limit_seconds=limit_seconds,
        )

    def _fetch(self, asset: str, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return anyio.from_thread.run(self._files.fetch, asset, folder)

    def _report(self, progress: Progress) -> None:
        anyio.from_thread.run_sync(self._lifeline.report, progress_told(progress))


def limit_of(model: AnyModel, job: Job) -> float:
    """Seconds that one run may take: the model's own limit, or less if the job asks for less."""
    return min(model.resources.time_limit_seconds, job.run_timeout_seconds or math.inf)


def failure_of(error: Exception) -> AttemptFailure:
    """What a failed attempt is called, and whether another one may succeed. Never shows a stack trace."""
    match error:
        case GenerationError():
            return AttemptFailure(
                code=error.code,
                message=told(error.message),
                retryable=error.retryable,
                retry_after=error.retry_after or None,  # 0.0 leaves the wait to the retry policy
            )
        case _TimedOut():
            message = "The model did not finish within its time limit."
            return AttemptFailure(code="run_timeout", message=message, retryable=False)
        case InputMissing() | ObjectMissing():
            return AttemptFailure(code="input_missing", message="An input of the job is gone.", retryable=False)
        case ObjectStoreDown() | StoreUnavailable():
            return AttemptFailure(code="storage_unavailable", message="The storage did not answer.", retryable=True)
        case _:
            log.error("model.failed", exc_info=error)
            return AttemptFailure(code="internal_error", message="The model failed unexpectedly.", retryable=True)
