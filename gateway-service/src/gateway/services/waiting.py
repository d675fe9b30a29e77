"""Holding a request open until its job has ended, or the caller's patience has."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import structlog

from reelwork.broker.base import Broker, Notice
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AccountId
from reelwork.domain.job import Job
from reelwork.store.jobs import Jobs

log = structlog.get_logger(__name__)

# A notice can be lost; so often the job is read anyway.
REREAD_SECONDS = 3.0
# How soon a request that waits notices that its caller has gone or the gateway is going down.
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """The job as it is now; `honoured`: whether the wish to wait was granted."""

    job: Job
    honoured: bool


class Waiting:
    """Waits by the broker's notices. At most `per_account` requests of an account wait; more are answered at once."""

    def __init__(
        self, jobs: Jobs, broker: Broker, *, per_account: int, closing: Callable[[], bool] = lambda: False
    ) -> None:
        self._jobs = jobs
        self._broker = broker
        self._per_account = per_account
        self._closing = closing
        self._open: Counter[AccountId] = Counter()

    async def until_ended(self, job: Job, *, seconds: int | None, gone: Callable[[], Awaitable[bool]]) -> Waited:
        """The job once it has ended, or as it is after so many seconds (None: no wish to wait), or as soon as the
        caller is gone or the gateway closes."""
        if seconds is None or self._open[job.account_id] >= self._per_account:
            return Waited(job=job, honoured=False)
        if not seconds or job.status.is_terminal:
            return Waited(job=job, honoured=True)
        self._open[job.account_id] += 1
        try:
            return Waited(job=await self._watched(job, seconds, gone), honoured=True)
        finally:
            self._open[job.account_id] -= 1
            if not self._open[job.account_id]:
                del self._open[job.account_id]

    async def _watched(self, job: Job, seconds: int, gone: Callable[[], Awaitable[bool]]) -> Job:
        loop = asyncio.get_running_loop()
        ends, reread = loop.time() + seconds, 0.0
        async with self._broker.watch(job.account_id, job.id) as notices:
            while True:
                if loop.time() >= reread:
                    job, reread = await self._read(job), loop.time() + REREAD_SECONDS
                left = ends - loop.time()
                if job.status.is_terminal or left <= 0 or self._closing() or await gone():
                    return job
                notice = await next_notice(notices, within=min(left, TICK_SECONDS))
                if notice is not None and notice.kind == "changed":
                    reread = 0.0

    async def _read(self, known: Job) -> Job:
        try:
            return await self._jobs.get(known.account_id, known.id) or known
        except StoreUnavailable as error:
            log.warning("waiting.not_read", job_id=known.id, reason=error.detail)
            return known


async def next_notice(notices: AsyncIterator[Notice], *, within: float) -> Notice | None:
    """The next notice, or None after so many seconds."""
    try:
        async with asyncio.timeout(within):
            return await anext(notices)
    except TimeoutError:
        return None
