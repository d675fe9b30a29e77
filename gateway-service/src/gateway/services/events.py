"""A job's events as a stream: what is stored first, then what happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from fastapi.sse import format_sse_event

from gateway.services.waiting import next_notice
from gateway.views import event_view, job_view
from reelwork.broker.base import Broker, Notice
from reelwork.contract.base import Wire
from reelwork.contract.events import ProgressFrame
from reelwork.domain.errors import StoreUnavailable, TooManyStreams
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Job
from reelwork.store.jobs import Jobs

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 15.0
# A notice can be lost; so often all jobs that are watched are looked at anyway, together.
LOOK_SECONDS = 2.0
LOOKED_AT = 1000
# How soon an idle stream notices that the gateway is going down, or that such a look found something; and how often any
# stream asks whether its caller may still look.
TICK_SECONDS = 1.0
RETRY_MS = 3000


@dataclass(slots=True)
class _Clock:
    """What an idle stream still owes, in seconds of the loop's time."""

    ends: float
    keep_alive: float = 0.0
    asked: float = 0.0


async def _always() -> bool:
    return True


class EventStreams:
    """Streams of single jobs. Durable events come from the job itself, numbered; progress passes through.

    A stream ends after the terminal event, when its life is over, when its caller may no longer look, or when the
    gateway closes: the client then comes back with the last number it saw, and misses nothing.
    """

    def __init__(
        self,
        jobs: Jobs,
        broker: Broker,
        *,
        life_seconds: float,
        per_account: int,
        closing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._jobs = jobs
        self._broker = broker
        self._life = life_seconds
        self._per_account = per_account
        self._closing = closing
        self._open: Counter[AccountId] = Counter()
        self._watched: Counter[JobId] = Counter()
        self._versions: dict[JobId, int] = {}

    async def run(self) -> None:
        """Look after lost notices, until cancelled: one question for all streams, however many there are."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            watched = list(self._watched)
            for first in range(0, len(watched), LOOKED_AT):
                await self._look(watched[first : first + LOOKED_AT])

    async def _look(self, jobs: Sequence[JobId]) -> None:
        try:
            found = await self._jobs.versions(jobs)
        except StoreUnavailable as error:
            log.warning("streams.not_looked", reason=error.detail)
        else:
            self._versions.update((job, version) for job, version in found.items() if job in self._watched)

    def check_capacity(self, account: AccountId) -> None:
        """Raises TooManyStreams before anything is sent."""
        if self._open[account] >= self._per_account:
            raise TooManyStreams(
                f"{self._per_account} event streams are open already.",
                hint="Close one, or poll the job instead.",
                retry_after_seconds=5,
            )

    async def frames(
        self, job: Job, *, after: int, admitted: Callable[[], Awaitable[bool]] = _always
    ) -> AsyncIterator[bytes]:
        """Server-sent events: a snapshot without id, the durable events after number `after`, then live.

        `admitted`: whether the caller may still look.
        """
        loop = asyncio.get_running_loop()
        clock = _Clock(ends=loop.time() + self._life, asked=loop.time())
        with self._counted(job):
            async with self._broker.watch(job.account_id, job.id) as notices:
                current = await self._read(job)
                yield format_sse_event(data_str=_json(job_view(current)), event="snapshot", retry=RETRY_MS)
                clock.keep_alive = loop.time() + KEEP_ALIVE_SECONDS
                while True:
                    for event in current.events[after:]:
                        yield format_sse_event(data_str=_json(event_view(event)), event=event.type, id=str(event.seq))
                        after = event.seq
                    if current.status.is_terminal or self._closing() or loop.time() > clock.ends:
                        return
                    if loop.time() > clock.asked + TICK_SECONDS:
                        if not await _may_stay(job, admitted):
                            return
                        clock.asked = loop.time()
                    notice = await next_notice(notices, within=TICK_SECONDS)
                    if notice is not None and notice.kind == "progress":
                        yield format_sse_event(data_str=_json(_progress(notice)), event="progress")
                    if (notice is not None and notice.kind == "changed") or self._is_outdated(current):
                        current = await self._read(current)
                    if loop.time() > clock.keep_alive:
                        yield format_sse_event(comment="keep-alive")
                        clock.keep_alive = loop.time() + KEEP_ALIVE_SECONDS

    def _is_outdated(self, known: Job) -> bool:
        """Seen by the last look after lost notices."""
        return self._versions.get(known.id, 0) > known.version

    async def _read(self, known: Job) -> Job:
        """The job as it is stored now; while MongoDB is away as we know it, for the stream outlives that."""
        try:
            return await self._jobs.get(known.account_id, known.id) or known
        except StoreUnavailable as error:
            log.warning("stream.not_read", job_id=known.id, reason=error.detail)
            return known

    @contextmanager
    def _counted(self, job: Job) -> Iterator[None]:
        self._open[job.account_id] += 1
        self._watched[job.id] += 1
        try:
            yield
        finally:
            self._open[job.account_id] -= 1
            self._watched[job.id] -= 1
            if not self._open[job.account_id]:
                del self._open[job.account_id]
            if not self._watched[job.id]:
                del self._watched[job.id]
                self._versions.pop(job.id, None)


async def _may_stay(job: Job, admitted: Callable[[], Awaitable[bool]]) -> bool:
    """While MongoDB is away nobody is sent off: the stream outlives that."""
    try:
        staying = await admitted()
    except StoreUnavailable as error:
        log.warning("stream.not_asked", job_id=job.id, reason=error.detail)
        return True
    if not staying:
        log.info("stream.ended_by_key", job_id=job.id, account_id=job.account_id)
    return staying


def _progress(notice: Notice) -> ProgressFrame:
    data = notice.data
    return ProgressFrame(
        progress=data["fraction"],
        stage=data["stage"],
        message=data["message"],
        step=data["step"],
        steps=data["steps"],
    )


def _json(model: Wire) -> str:
    return model.model_dump_json()
