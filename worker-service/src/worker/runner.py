"""Running one job: claim, fetch, run the model in a thread, store, finish by compare-and-set."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.from_thread
import anyio.to_thread
import structlog
from pydantic import ValidationError

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.job import Progress as JobProgress
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.claim import claim
from reelwork.engine.engine import Engine
from reelwork.engine.finish import Ending, complete, fail, stop
from reelwork.engine.sweep import Sweeper
from reelwork.generator import (
    AnyModel,
    Cancelled,
    GenerationContext,
    GenerationError,
    Parameters,
    Progress,
    TimeLimitExceeded,
)
from reelwork.objects.errors import ObjectMissing, ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from worker.catalogue import Models
from worker.lifeline import Lifeline, Stop
from worker.scratch import Files, InputMissing

log = structlog.get_logger(__name__)

# How often, and how long, an ending is tried while MongoDB is away. The lease decides whether it still counts.
ENDING_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """`abandon` is called when a model does not stop: it ends the process, where that is possible."""

    worker: str
    scratch_directory: Path | None
    grace: timedelta
    abandon: Callable[[], None]


class Runner:
    """Takes jobs from one engine, one at a time for each call of `work`."""

    def __init__(
        self, engine: Engine, models: Models, objects: ObjectStore, sweeper: Sweeper, options: RunnerOptions
    ) -> None:
        self._engine = engine
        self._models = models
        self._objects = objects
        self._sweeper = sweeper
        self._options = options

    async def work(self, pool: str) -> bool:
        """Answer one ticket: run the next job of the pool, if there is one. False when there was none."""
        try:
            job = await claim(self._engine, pool=pool, worker=self._options.worker)
        except StoreUnavailable as error:
            log.warning("claim.failed", pool=pool, reason=error.detail)  # the reconciler sends another ticket
            return False
        if job is None:
            return False
        with structlog.contextvars.bound_contextvars(job_id=job.id, request_id=job.request_id):
            await self._run(job)
        return True

    async def _run(self, job: Job) -> None:
        begun = time.monotonic()
        with TemporaryDirectory(prefix="reelwork-job-", dir=self._options.scratch_directory) as folder:
            attempt = _Attempt(
                job, Files(job, Path(folder), self._engine.stores, self._objects, self._sweeper), self._engine
            )
            abandoned = await attempt.run(self._models, Path(folder), self._options.grace)
            used = timedelta(seconds=time.monotonic() - begun)
            ending = await self._end(job, attempt, used)
            await (attempt.files.commit() if ending is Ending.COMPLETED else attempt.files.discard())
        if abandoned:
            log.error("model.abandoned", model=job.model)
            self._options.abandon()

    async def _end(self, job: Job, attempt: "_Attempt", used: timedelta) -> Ending:
        """Write the ending down; while MongoDB is away, again and again until the lease is certainly gone."""
        deadline = time.monotonic() + self._engine.rules.lease.total_seconds()
        while True:
            try:
                return await self._write_ending(job, attempt, used)
            except StoreUnavailable as error:
                log.warning("ending.delayed", reason=error.detail)
                if time.monotonic() > deadline:
                    return Ending.LOST
                await anyio.sleep(ENDING_RETRY_SECONDS)

    async def _write_ending(self, job: Job, attempt: "_Attempt", used: timedelta) -> Ending:
        match attempt.result:
            case Stop.LOST:
                return Ending.LOST
            case Stop.CANCELLED:
                return await stop(self._engine, job, used=used)
            case AttemptFailure() as failure:
                return await fail(self._engine, job, failure, used=used)
            case None:
                return await complete(self._engine, job, attempt.files.outputs, used=used)


class _Attempt:
    """One run of a model, with its lifeline. `result` is why it did not succeed, or None."""

    def __init__(self, job: Job, files: Files, engine: Engine) -> None:
        self._job = job
        self.files = files
        self._lifeline = Lifeline(engine, job)
        self.result: AttemptFailure | Stop | None = None

    async def run(self, models: Models, folder: Path, grace: timedelta) -> bool:
        """Run until the model ends or must. True when its thread had to be left behind."""
        finished = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._lifeline.run)
            tasks.start_soon(self._stop_hard, tasks.cancel_scope, grace)
            try:
                await self._generate(models, folder, grace)
                finished = True
            finally:
                tasks.cancel_scope.cancel()
        if self._lifeline.stop is not None:
            self.result = self._lifeline.stop
        return not finished

    async def _stop_hard(self, scope: anyio.CancelScope, grace: timedelta) -> None:
        await self._lifeline.stopped.wait()
        await anyio.sleep(grace.total_seconds())
        scope.cancel()

    async def _generate(self, models: Models, folder: Path, grace: timedelta) -> None:
        try:
            model = await models.ready(self._job.model)
            limit = timedelta(seconds=model.resources.time_limit_seconds)
            with anyio.fail_after((limit + grace).total_seconds()):
                await anyio.to_thread.run_sync(self._call, model, folder, abandon_on_cancel=True)
        except Cancelled:
            pass  # the lifeline knows why
        except Exception as error:  # noqa: BLE001  (the edge to foreign code: whatever it raises ends this attempt only)
            self.result = failure_of(error)

    def _call(self, model: AnyModel, folder: Path) -> None:
        """In the model's own thread."""
        context = GenerationContext(
            job_id=self._job.id,
            workdir=folder,
            seed=self._job.seed,
            fetch=lambda asset: anyio.from_thread.run(self.files.fetch, asset),
            report=self._report,
            is_cancelled=lambda: self._lifeline.stop is not None,
            time_limit_seconds=model.resources.time_limit_seconds,
        )
        try:
            parameters: Parameters = model.parameters.model_validate(self._job.input)
            for artifact in model.generate(parameters, context):
                context.check()
                anyio.from_thread.run(self.files.store, artifact)
        except TimeLimitExceeded as error:  # a BaseException: it must not reach the event loop as one
            raise _TimedOut(str(error)) from error

    def _report(self, progress: Progress) -> None:
        report = JobProgress(
            fraction=progress.fraction,
            stage=progress.stage,
            message=progress.message,
            step=progress.step,
            steps=progress.steps,
        )
        anyio.from_thread.run_sync(self._lifeline.report, report)


class _TimedOut(Exception):
    pass


def failure_of(error: Exception) -> AttemptFailure:
    """What a failed attempt is called, and whether another one may succeed. Never shows a stack trace."""
    match error:
        case GenerationError():
            return AttemptFailure(
                code=error.code, message=error.message, retryable=error.retryable, retry_after=error.retry_after
            )
        case ValidationError():
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            return AttemptFailure(code="invalid_input", message=f"{field}: {first['msg']}", retryable=False)
        case _TimedOut() | TimeoutError():
            message = "The model did not finish within its time limit."
            return AttemptFailure(code="run_timeout", message=message, retryable=False)
        case InputMissing() | ObjectMissing():
            return AttemptFailure(code="input_missing", message="An input of the job is gone.", retryable=False)
        case ObjectStoreDown() | StoreUnavailable():
            return AttemptFailure(code="storage_unavailable", message="The storage did not answer.", retryable=True)
        case _:
            log.error("model.failed", exc_info=error)
            return AttemptFailure(code="internal_error", message="The model failed unexpectedly.", retryable=True)
