"""Short jobs, run by the gateway itself while their callers wait: the same jobs, claimed and ended in the same way.

Only models of numbers that need no package, on inputs that take a fraction of a second. Whatever is in the way (a full
lane, all threads busy, S3 away, a fault), the job is a worker's like any other; after a crash too, by its lease.
"""

import asyncio
import shutil
import tempfile
import threading
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import structlog

from gateway.services.building import NewJob
from gateway.services.number_models import MODELS
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import new_worker_id
from reelwork.domain.job import Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.claim import claim_this
from reelwork.engine.engine import Engine
from reelwork.engine.files import Files, InputMissing
from reelwork.engine.finish import Ending, complete, fail, hand_back
from reelwork.engine.spans import run_span
from reelwork.engine.submit import LaneOpener
from reelwork.engine.sweep import Sweeper
from reelwork.generator import GenerationContext, GenerationError, Interruption
from reelwork.objects.errors import ObjectMissing, ObjectStoreDown
from reelwork.objects.s3 import ObjectStore

log = structlog.get_logger(__name__)

# Python runs one thread at a time: more of them would only be in each other's way.
THREADS = 2
# Ten times what the longest of them takes; far below a lease, so none has to be renewed.
LIMIT_SECONDS = 5.0
# How long a gateway that ends waits for those that run.
LEAVING_SECONDS = 2.0


class ShortJobs:
    """Runs jobs in threads of this process. `finish` it when it ends."""

    def __init__(self, engine: Engine, objects: ObjectStore, sweeper: Sweeper, opener: LaneOpener) -> None:
        self._engine = engine
        self._objects = objects
        self._sweeper = sweeper
        self._opener = opener
        self._name = f"gateway:{new_worker_id()}"
        self._threads = anyio.CapacityLimiter(THREADS)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = threading.Event()

    def takes(self, new: NewJob) -> bool:
        """Whether it would run this now. A model of another version than ours is a worker's."""
        job, model = new.job, MODELS.get(new.job.model)
        if model is None or model.version != job.model_version or self._stopping.is_set():
            return False
        waits = job.status is Status.QUEUED and job.due
        return waits and len(self._running) < THREADS and model.is_short(job.input, new.series_values)

    async def run(self, job: Job, terms: LaneTerms, *, within: float) -> None:
        """Run a job that was stored and not announced; returns when it has ended, or after so many seconds while it
        goes on. Never raises for what happens to the job."""
        task = asyncio.create_task(self._run(job, terms))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=within)

    async def finish(self) -> None:
        """Let what runs end, or have it handed back."""
        if not self._running:
            return
        await asyncio.wait(self._running, timeout=LEAVING_SECONDS)
        self._stopping.set()
        if self._running:
            await asyncio.wait(self._running, timeout=LIMIT_SECONDS)

    async def _run(self, job: Job, terms: LaneTerms) -> None:
        try:
            claimed = await claim_this(self._engine, job, terms, worker=self._name)
        except StoreUnavailable as error:
            log.warning("claim.failed", job_id=job.id, reason=error.detail)
            claimed = None
        if claimed is None:
            self._opener.announce(terms)
            return
        with run_span(claimed), structlog.contextvars.bound_contextvars(job_id=job.id, request_id=job.request_id):
            await self._run_claimed(claimed)

    async def _run_claimed(self, job: Job) -> None:
        files = Files(job, self._engine.stores, self._objects, self._sweeper)
        begun, ending = time.monotonic(), Ending.LOST
        try:
            failure = await self._generate(job, files)
            used = timedelta(seconds=time.monotonic() - begun)
            if failure is not None:
                ending = await fail(self._engine, job, failure, used=used)
            else:
                ending = await complete(self._engine, job, files.outputs, used=used)
        except (ObjectStoreDown, ObjectMissing, InputMissing, Interruption) as error:
            log.info("job.handed_back", attempt=job.attempt, reason=type(error).__name__)
            await self._hand_back(job)
        except StoreUnavailable as error:
            log.warning("ending.not_written", reason=error.detail)  # the lease decides
            return
        except Exception:  # a worker will find out whether it is the job's fault or ours
            log.exception("short_job.failed")
            await self._hand_back(job)
        await self._settle(files, ending)

    async def _hand_back(self, job: Job) -> None:
        try:
            await hand_back(self._engine, job)
        except StoreUnavailable as error:
            log.warning("job.not_handed_back", reason=error.detail)  # the lease decides

    async def _settle(self, files: Files, ending: Ending) -> None:
        try:
            await (files.commit() if ending is Ending.COMPLETED else files.discard())
        except StoreUnavailable as error:
            log.warning("outputs.not_settled", reason=error.detail)  # the sweeper does it

    async def _generate(self, job: Job, files: Files) -> AttemptFailure | None:
        """Run the model; why it refused its input, if it did. Raises what stands in the way of running it here."""
        folder = Path(await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="reelwork-short-")))
        try:
            await anyio.to_thread.run_sync(self._call, job, files, folder, limiter=self._threads)
        except GenerationError as error:
            return AttemptFailure(code=error.code, message=error.message, retryable=error.retryable)
        finally:
            await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))
        return None

    def _call(self, job: Job, files: Files, folder: Path) -> None:
        """In the thread, from the first file to the last."""
        model = MODELS[job.model]()
        context = GenerationContext(
            job_id=job.id,
            workdir=folder,
            seed=job.seed,
            fetch=lambda asset: anyio.from_thread.run(files.fetch, asset, folder),
            report=lambda _: None,
            is_cancelled=self._stopping.is_set,
            time_limit_seconds=min(LIMIT_SECONDS, job.run_timeout_seconds or LIMIT_SECONDS),
        )
        # `Any`: each model's own parameters.
        for artifact in model.generate(model.parameters.from_input(job.input), context):  # type: ignore[arg-type]
            anyio.from_thread.run(files.store, artifact)
