"""Writing endings down: by compare-and-set, again while MongoDB is away, and then what becomes of the outputs."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.engine import Engine
from reelwork.engine.finish import Ending, Finished, complete_all, fail, hand_back, stop
from worker.attempt import Ended
from worker.lifeline import Stop

log = structlog.get_logger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 0.5


class Endings:
    """Every ending is safe to write twice: the engine knows an attempt by its slot."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def write(self, ended: Sequence[Ended]) -> None:
        """Write down attempts of one lane that are over. Never raises StoreUnavailable: what could not be written
        until the lease was over is the reconciler's."""
        done = [each for each in ended if each.why is None]
        if done:
            await self._complete(done)
        for each in ended:
            if each.why is not None:
                await self._end(each, each.why)

    async def _complete(self, done: Sequence[Ended]) -> None:
        finished = [Finished(job=each.job, outputs=each.files.outputs, used=each.used) for each in done]
        endings = await self._insist(lambda: complete_all(self._engine, finished))
        for each, ending in zip(done, endings or [], strict=bool(endings)):
            await self._settle(each, ending)

    async def _end(self, ended: Ended, why: AttemptFailure | Stop) -> None:
        job, used = ended.job, ended.used
        match why:
            case Stop.LOST | Stop.LATE | Stop.WAITING:  # a late attempt comes here as a failure; a turn is written
                await self._settle(ended, Ending.LOST)
                return
            case Stop.LEAVING:
                log.info("job.handed_back", job_id=job.id, attempt=job.attempt)
                await self._insist(lambda: hand_back(self._engine, job))
                await self._settle(ended, Ending.LOST)
                return
            case Stop.CANCELLED:
                ending = await self._insist(lambda: stop(self._engine, job, used=used))
            case AttemptFailure():
                ending = await self._insist(lambda: fail(self._engine, job, why, used=used))
        if ending is not None:
            await self._settle(ended, ending)

    async def _settle(self, ended: Ended, ending: Ending) -> None:
        """Outputs of a completed attempt stay, all others belong to nobody. What fails here the sweeper does later."""
        try:
            await (ended.files.commit() if ending is Ending.COMPLETED else ended.files.discard())
        except StoreUnavailable as error:
            log.warning("outputs.not_settled", job_id=ended.job.id, reason=error.detail)

    async def _insist(self, write: Callable[[], Awaitable[T]]) -> T | None:
        """Try until MongoDB answers, or until the lease is certainly over: then it is not known what is written."""
        deadline = time.monotonic() + self._engine.rules.lease.total_seconds()
        while time.monotonic() < deadline:
            try:
                return await write()
            except StoreUnavailable as error:
                log.warning("ending.delayed", reason=error.detail)
                await anyio.sleep(RETRY_SECONDS)
        return None
