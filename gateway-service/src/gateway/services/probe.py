"""The way to the workers and back, over the broker, as every job's news travel."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping

from reelwork.broker.base import Broker, BrokerDown, Notice
from reelwork.broker.probes import ask, asking
from reelwork.contract.admin import ProbeAnswer, ProbeBody, ProbeView
from reelwork.domain.errors import BrokerUnavailable, NobodyAnswered
from reelwork.domain.ids import WorkerId
from reelwork.domain.worker import Worker, WorkerState
from reelwork.store.workers import Workers

# More than this many workers are not asked after one by one.
MOST_WORKERS = 1000


class ProbeService:
    """Asks all workers at once and waits for those that are listed as alive."""

    def __init__(self, workers: Workers, broker: Broker) -> None:
        self._workers = workers
        self._broker = broker

    async def round_trip(self, body: ProbeBody) -> ProbeView:
        """Who answered, and how quickly. Raises BrokerUnavailable, and NobodyAnswered within the time."""
        await self._reach_broker()
        states = (WorkerState.READY, WorkerState.DRAINING)
        listed = {worker.id: worker for worker in await self._workers.page(states, before=None, limit=MOST_WORKERS)}
        token = secrets.token_hex(16)
        async with self._broker.watch(asking(token)) as notices:
            asked = time.monotonic()
            self._broker.announce(ask(token, body.message))
            answers = await _answers(notices, listed, asked, within=body.timeout_seconds)
        if not answers:
            raise NobodyAnswered(
                f"No worker answered within {body.timeout_seconds:g} s; {len(listed)} are listed as alive.",
                hint="GET /v1/admin/workers tells when each was last heard of.",
            )
        return ProbeView(
            message=body.message,
            answers=list(answers.values()),
            silent=[worker for worker in listed if worker not in answers],
        )

    async def _reach_broker(self) -> None:
        try:
            await self._broker.ping()
        except BrokerDown as down:
            raise BrokerUnavailable(
                "The broker does not answer.",
                hint="Jobs are accepted and start when it is back.",
                retry_after_seconds=2,
            ) from down


async def _answers(
    notices: AsyncIterator[Notice], listed: Mapping[WorkerId, Worker], asked: float, *, within: float
) -> dict[WorkerId, ProbeAnswer]:
    """The first answer of each worker, until all of `listed` have answered or the time is up."""
    found: dict[WorkerId, ProbeAnswer] = {}
    try:
        async with asyncio.timeout(within):
            async for notice in notices:
                worker = WorkerId(notice.job_id)
                if worker not in found:
                    found[worker] = _answer(notice, worker, time.monotonic() - asked)
                if found.keys() >= listed.keys():
                    break
    except TimeoutError:
        return found
    return found


def _answer(notice: Notice, worker: WorkerId, seconds: float) -> ProbeAnswer:
    return ProbeAnswer(
        worker_id=worker,
        worker=str(notice.data.get("name", "")),
        pool=str(notice.data.get("pool", "")),
        round_trip_ms=round(seconds * 1000, 3),
    )
