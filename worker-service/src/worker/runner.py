"""Answering tickets: claim, run, write down. One job at a time, or a few very short ones in a row."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import anyio
import structlog
from structlog.contextvars import bound_contextvars

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job, Status
from reelwork.domain.lane import TICKET_SECONDS
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.route import route_of
from reelwork.engine.calls import put_off, take_up
from reelwork.engine.claim import claim_batch, renew
from reelwork.engine.engine import Engine, claimed
from reelwork.engine.files import Files
from reelwork.engine.finish import hand_back
from reelwork.engine.spans import run_span
from reelwork.engine.sweep import Sweeper
from reelwork.objects.s3 import ObjectStore
from reelwork.store.attempts import Taken
from worker.attempt import Attempt, Ended, failure_of
from worker.board import Board
from worker.catalogue import Models
from worker.endings import Endings
from worker.lifeline import Stop
from worker.spans import note_end
from worker.turn import Outside, Turn

log = structlog.get_logger(__name__)

# Very short jobs claimed at once. More would save little and make others wait.
MOST_AT_ONCE = 16
# How long an ending may wait for others to be written with it.
WRITE_SECONDS = 0.05
# Jobs that were claimed together but whose turn has not come after this long go back to the queue.
PATIENCE_SECONDS = 1.0
# A job that waited longer than this for its turn is asked after before it starts: it may have been cancelled.
FRESH_SECONDS = 0.25
# How often the board is looked at while jobs run.
LOOK_SECONDS = 0.1
_NONE = Taken(jobs=[], emptied=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """`scratch_directory`: where jobs keep files while they run, of this process alone. `abandon` is called when a
    model does not stop: it ends the process, where that is possible. `board`: whether jobs may be taken. `outside`: for
    models that run at a provider."""

    worker: str
    scratch_directory: Path
    grace: timedelta
    abandon: Callable[[], None]
    board: Board
    outside: Outside


class Runner:
    """Takes jobs from one engine; each call runs one job at a time."""

    def __init__(
        self, engine: Engine, models: Models, objects: ObjectStore, sweeper: Sweeper, options: RunnerOptions
    ) -> None:
        self._engine = engine
        self._models = models
        self._objects = objects
        self._sweeper = sweeper
        self._options = options
        self._endings = Endings(engine)
        self._board = options.board
        # By slot: a job that was lost may come back while its old run lasts.
        self._running: dict[str, Attempt | Turn] = {}
        self._answering = 0
        self._leaving = False
        self.done = 0

    def takes_jobs(self) -> bool:
        """Whether it may claim more now."""
        return self._board.takes_jobs and not self._leaving

    @property
    def is_busy(self) -> bool:
        """Whether a ticket is being answered: jobs are claimed, run or written down."""
        return self._answering > 0

    @property
    def jobs(self) -> list[JobId]:
        """Those that run now."""
        return sorted({attempt.job.id for attempt in self._running.values()})

    async def keep_time(self) -> None:
        """Until cancelled: have running jobs handed back as soon as their time is up."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._board.time_is_up or self._leaving:
                for attempt in self._running.values():
                    attempt.leave()

    async def leave(self) -> None:
        """Take no more jobs, and hand back those that run; returns when none does. Wants `keep_time` beside it."""
        self._leaving = True
        await self.rest()

    async def rest(self) -> None:
        """Return when nothing runs, which is for good only where no jobs are taken any more."""
        while self.is_busy:  # noqa: ASYNC110  (two kinds of callers, one of them rare: not worth an event)
            await asyncio.sleep(LOOK_SECONDS / 4)

    async def answer_ticket(self, pool: str) -> int:
        """Run the pool's next jobs until a lane is emptied, a second has gone by or none may be taken; how many.

        One ticket stands for one job, but short jobs would spend their time waiting for tickets: whoever is at work
        goes on, and a ticket that then finds nothing costs one look. Very short jobs have fewer tickets than one each
        (`tickets_for`): whoever stops among them hands the ticket on. Other lanes have tickets of their own, and what
        comes into an emptied one is announced anew: running after it one by one would cost more than the jobs.
        """
        done, begun = 0, time.monotonic()
        self._answering += 1
        try:
            while (ran := await self._work(pool)).jobs:
                done += len(ran.jobs)
                if ran.emptied:
                    break
                if time.monotonic() - begun > TICKET_SECONDS or not self.takes_jobs():
                    if done > 1:
                        self._engine.broker.publish(pool)
                    break
        finally:
            self._answering -= 1
        return done

    async def work(self, pool: str) -> int:
        """Run the next job of the pool, or a few if they are very short; how many, 0 if there is none or none may be
        taken."""
        return len((await self._work(pool)).jobs)

    async def _work(self, pool: str) -> Taken:
        """The jobs that ran, and whether no others waited in their lane."""
        if not self.takes_jobs():
            return _NONE
        try:
            taken = await self._next(pool)
        except StoreUnavailable as error:
            log.warning("claim.failed", pool=pool, reason=error.detail)  # the reconciler sends another ticket
            return _NONE
        jobs = [job for job in taken.jobs if not await self._left_to_others(job)]
        if not self.takes_jobs():  # since a moment
            await self._leave_row(deque(jobs), [])
            return _NONE
        if len(jobs) == 1:
            ended = await self._run(jobs[0])
            await self._endings.write([ended])
            self._leave_behind(ended)
        elif jobs:
            await self._run_in_a_row(jobs)
        return replace(taken, jobs=jobs)

    async def _next(self, pool: str) -> Taken:
        """First what was begun: a provider has it, or has made it already."""
        if not self._models.has_remote:
            return await self._claim(pool, most=MOST_AT_ONCE)
        resumed = await take_up(
            self._engine, pool=pool, worker=self._options.worker, models=[card.name for card in self._models.cards]
        )
        if resumed is not None:
            return Taken(jobs=[resumed], emptied=False)
        return await self._claim(pool, most=1)

    async def _claim(self, pool: str, *, most: int) -> Taken:
        return await claim_batch(
            self._engine, pool=pool, worker=self._options.worker, most=most, lacking=self._models.lacking
        )

    async def _left_to_others(self, job: Job) -> bool:
        """Whether the job needs a model, or a version of it, that this worker has not: then it is handed back. Not if a
        provider has it already: any version of its model can ask after it."""
        reason = await self._models.lacks(job, self._engine.stores.models) if job.call is None else None
        if reason is not None:
            log.info("job.left_to_others", job_id=job.id, model=job.model, version=job.model_version)
            await self._hand_back(job, failure_of(reason))
        return reason is not None

    async def _run_in_a_row(self, jobs: Sequence[Job]) -> None:
        """Run jobs that were claimed together; their endings are written together, but none waits long.

        A model that does not stop takes its process with it: then the jobs that wait behind it go back first.
        """
        waiting, ended = deque(jobs), list[Ended]()
        try:
            last = await self._run_each(waiting, ended)
        except asyncio.CancelledError:  # this worker has to end
            await asyncio.shield(self._leave_row(waiting, ended))
            raise
        await self._leave_row(waiting, ended)
        if last is not None:
            self._leave_behind(last)

    async def _run_each(self, waiting: deque[Job], ended: list[Ended]) -> Ended | None:
        """The row itself, until none waits, or a model does not stop; the last one that ran."""
        over, last, claimed_at = anyio.Event(), None, time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tend, waiting, ended, over)
            while waiting and self.takes_jobs() and not (last and last.abandoned):
                job = waiting.popleft()
                fresh = time.monotonic() - claimed_at < FRESH_SECONDS
                if fresh or await self._is_still_ours(job, ended):
                    last = await self._run(job)
                    ended.append(last)
            over.set()
        return last

    async def _leave_row(self, waiting: deque[Job], ended: list[Ended]) -> None:
        await self._endings.write(ended)
        for job in waiting:
            await self._hand_back(job)

    async def _tend(self, waiting: deque[Job], ended: list[Ended], over: anyio.Event) -> None:
        """Beside a row: write what has ended, and hand back what waits too long behind a job that takes long."""
        begun = time.monotonic()
        while not over.is_set():
            with anyio.move_on_after(WRITE_SECONDS):
                await over.wait()
                return
            written = list(ended)
            await self._endings.write(written)
            del ended[: len(written)]  # not before: a worker that has to end now writes them again
            while waiting and (time.monotonic() - begun > PATIENCE_SECONDS or not self.takes_jobs()):
                await self._hand_back(waiting.popleft())

    async def _is_still_ours(self, job: Job, ended: list[Ended]) -> bool:
        try:
            status = await renew(self._engine, claimed(job))
        except StoreUnavailable:
            return False  # the lease decides
        if status is Status.CANCELLING:
            ended.append(Ended(job=job, files=self._files(job), used=timedelta(), why=Stop.CANCELLED))
        return status is Status.PROCESSING

    async def _hand_back(self, job: Job, why: AttemptFailure | None = None) -> None:
        """What a provider was asked for goes on in another worker's turn; anything else as if it had never begun."""
        try:
            if job.call is not None:
                await put_off(self._engine, job, timedelta())
                self._engine.broker.publish(job.pool)
            else:
                await hand_back(self._engine, job, why=why)
        except StoreUnavailable as error:
            log.warning("job.not_handed_back", job_id=job.id, reason=error.detail)  # the lease decides

    async def _run(self, job: Job) -> Ended:
        begun, slot = time.monotonic(), claimed(job).slot
        with run_span(job) as current, bound_contextvars(job_id=job.id, request_id=job.request_id):
            files = self._files(job)
            attempt = self._running[slot] = self._attempt(job, files)
            try:
                await attempt.run(self._models, self._options.scratch_directory)
            except asyncio.CancelledError:
                await asyncio.shield(self._release(attempt.job, files))
                raise
            finally:
                del self._running[slot]
            note_end(current, attempt.why)
        used = attempt.earlier + timedelta(seconds=time.monotonic() - begun)
        self.done += attempt.why not in {Stop.LEAVING, Stop.WAITING}
        return Ended(job=attempt.job, files=files, used=used, why=attempt.why, abandoned=attempt.abandoned)

    def _attempt(self, job: Job, files: Files) -> Attempt | Turn:
        if any(self._models.is_remote(model) for model in route_of(job)):
            return Turn(self._engine, job, files, self._options.outside)
        return Attempt(self._engine, job, files, grace=self._options.grace)

    def _leave_behind(self, ended: Ended) -> None:
        """The end of the process, if the model's thread runs on. Last of all, since nothing runs after it; needless
        where the process is about to end in order."""
        if ended.abandoned:
            log.error("model.abandoned", job_id=ended.job.id, model=ended.job.model)
            if ended.why is not Stop.LEAVING:
                self._options.abandon()

    async def _release(self, job: Job, files: Files) -> None:
        """This worker has to end in the midst of a job: it goes back to the queue, and the attempt does not count."""
        log.info("job.released")
        await self._hand_back(job)
        try:
            await files.discard()
        except StoreUnavailable as error:
            log.warning("outputs.not_settled", job_id=job.id, reason=error.detail)

    def _files(self, job: Job) -> Files:
        return Files(job, self._engine.stores, self._objects, self._sweeper)
