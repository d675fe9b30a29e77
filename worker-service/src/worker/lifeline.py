"""The lifeline of a running job: renews the lease, reports progress, and learns that the job must stop."""

import math
import threading
import time
from enum import Enum, auto

import anyio
import structlog

from reelwork.broker.base import Notice
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job, Progress, Status
from reelwork.engine.claim import renew
from reelwork.engine.engine import Engine, claimed

log = structlog.get_logger(__name__)

# Progress is written at most this often; it doubles as a heartbeat.
REPORT_SECONDS = 0.5
# Without progress a heartbeat still goes out this often, so that a cancel is heard soon.
BEAT_SECONDS = 2.0
# Give up a lease that could not be renewed for this part of it: before anybody else may take the job.
GIVE_UP = 0.8


class Stop(Enum):
    """Why a running model has to stop. `LATE`: the job's deadline has come. `LEAVING`: its worker ends, and another one
    is to run the job. `WAITING`: nothing is wrong, but a provider works on the job, and nobody has it meanwhile."""

    CANCELLED = auto()
    LOST = auto()
    LATE = auto()
    LEAVING = auto()
    WAITING = auto()


class Lifeline:
    """Watches over one attempt until `stop` is set; after that the job is no longer ours to run."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self._engine = engine
        self._job = job
        self._progress: Progress | None = None
        self._news = anyio.Event()
        self._renewed_at = time.monotonic()
        self._late_at = self._renewed_at + _seconds_left(job)
        self._stop: Stop | None = None
        self._stopped = threading.Event()

    @property
    def stop(self) -> Stop | None:
        """Why the model has to stop, once it has to."""
        return self._stop

    @stop.setter
    def stop(self, reason: Stop | None) -> None:
        self._stop = reason
        if reason is not None:
            self._stopped.set()

    def pause(self, seconds: float) -> None:
        """Block for so long, or until the model has to stop. In the model's own thread."""
        self._stopped.wait(seconds)

    def report(self, progress: Progress) -> None:
        """Take the newest progress; it goes out with the next heartbeat. On the event loop only."""
        self._progress = progress
        self._news.set()

    def leave(self) -> None:
        """Stop, because this worker ends. On the event loop only."""
        self.stop = self.stop or Stop.LEAVING
        self._news.set()

    async def run(self) -> None:
        """Beat until cancelled; returns when there is a reason to stop."""
        lease = self._engine.rules.lease.total_seconds()
        while self.stop is None:
            with anyio.move_on_after(min(BEAT_SECONDS, lease / 4, self.until_late())):
                await self._news.wait()
            await self._beat()
            await anyio.sleep(min(REPORT_SECONDS, lease / 8, self.until_late()))
            self._look_at_the_clock()
        log.info("attempt.stopping", job_id=self._job.id, reason=self.stop.name.lower())

    async def _beat(self) -> None:
        progress, asked = self._take_news(), time.monotonic()
        try:
            status = await renew(self._engine, claimed(self._job), progress)
        except StoreUnavailable as error:
            self._put_back(progress)
            log.warning("heartbeat.missed", job_id=self._job.id, reason=error.detail)
            if time.monotonic() - self._renewed_at > GIVE_UP * self._engine.rules.lease.total_seconds():
                self.stop = Stop.LOST
            return
        self._renewed_at = asked  # not when the answer came: the lease counts from somewhere between
        if status is None:
            self.stop = Stop.LOST
        elif status is Status.CANCELLING:
            self.stop = Stop.CANCELLED
        elif progress is not None:
            announce(self._engine, self._job, progress)

    def _look_at_the_clock(self) -> None:
        if self.stop is None and not self.until_late():
            self.stop = Stop.LATE

    def until_late(self) -> float:
        """Seconds to the job's deadline, 0 after it."""
        return max(0.0, self._late_at - time.monotonic())

    def _take_news(self) -> Progress | None:
        news, self._progress, self._news = self._progress, None, anyio.Event()
        return news

    def _put_back(self, progress: Progress | None) -> None:
        """What could not be written goes out with the next heartbeat, unless something newer came."""
        if self._progress is None:
            self._progress = progress


def announce(engine: Engine, job: Job, progress: Progress) -> None:
    """Let watchers know how far a job is; it is stored already."""
    data = {
        "fraction": progress.fraction,
        "stage": progress.stage,
        "message": progress.message,
        "step": progress.step,
        "steps": progress.steps,
    }
    engine.broker.announce(Notice(kind="progress", account_id=job.account_id, job_id=job.id, data=data))


def _seconds_left(job: Job) -> float:
    """From the start of the attempt, or of this turn in it, to the job's deadline, both by the database's clock."""
    began = job.call.turn_at if job.call is not None else job.started_at
    if job.deadline_at is None or began is None:
        return math.inf
    return (job.deadline_at - began).total_seconds()
