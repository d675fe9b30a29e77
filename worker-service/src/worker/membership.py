"""A process's place in the list of workers: it says that it lives, and hears whether its worker is to drain."""

import asyncio
import os
import time

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.worker import WorkerCard
from reelwork.store.workers import BEAT, Beat, Workers
from worker.board import Board
from worker.runner import Runner

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1


class Membership:
    """Of one process; a worker with several of them is one entry in the list."""

    def __init__(self, workers: Workers, card: WorkerCard, board: Board, runner: Runner) -> None:
        self._workers = workers
        self._card = card
        self._board = board
        self._runner = runner
        self._counted = 0

    async def run(self) -> None:
        """Beat until cancelled: every few seconds, and at once when an operator waits for what has changed."""
        while True:
            await self.beat()
            await self._news()

    async def beat(self) -> None:
        """One heartbeat; its answer is on the board afterwards. One that MongoDB does not hear is only late."""
        done = self._runner.done
        beat = Beat(
            pid=os.getpid(),
            jobs=self._runner.jobs,
            done=done - self._counted,
            idle=self._is_idle(),
            stopping=self._board.stopping,
        )
        try:
            drain = await self._workers.beat(self._card, beat)
        except StoreUnavailable as error:
            log.warning("worker.not_listed", reason=error.detail)
            return
        self._counted = done
        if drain is not self._board.draining:
            log.info("worker.draining" if drain else "worker.resumed", worker=self._card.id)
        self._board.draining = drain

    def _is_idle(self) -> bool:
        return not (self._board.takes_jobs or self._runner.is_busy)

    async def _news(self) -> None:
        """Until the next heartbeat is due, or this process has stopped or begun to take jobs."""
        begun, before = time.monotonic(), (self._board.takes_jobs, self._is_idle())
        while time.monotonic() - begun < BEAT.total_seconds():
            await asyncio.sleep(LOOK_SECONDS)
            if (self._board.takes_jobs, self._is_idle()) != before:
                return
