"""The worker inside another process: answers tickets of the in-process broker. Only `make run` uses it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog

from reelwork.broker.inprocess import InProcessBroker
from reelwork.runtime.tasks import running
from worker.board import Board
from worker.runner import Runner
from worker.settings import WorkerSettings
from worker.wiring import open_runner, say_goodbye

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
# Beyond the patience with running jobs, to hand them back. After it they are cancelled as they stand.
LAST_STEPS = timedelta(seconds=5)


@asynccontextmanager
async def open_worker(settings: WorkerSettings, broker: InProcessBroker) -> AsyncIterator[Board]:
    """A worker with `settings.concurrency` jobs at once, for the length of the context.

    At its end the worker takes no more jobs, and those that run have `settings.drain_seconds`; who cannot wait so long
    tells the board to hurry. A model that does not stop when asked is left to end in its thread: there is no process of
    its own to end.
    """
    board = Board(patience=settings.patience)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(say_goodbye, settings, board)
        runner = await stack.enter_async_context(open_runner(settings, board, broker=broker))

        async def answer_tickets() -> None:
            while True:
                while not runner.takes_jobs():  # noqa: ASYNC110  (the board is memory: it has no event)
                    await asyncio.sleep(LOOK_SECONDS)
                await broker.take(settings.pool)
                if runner.takes_jobs():
                    await runner.answer_ticket(settings.pool)
                else:
                    broker.publish(settings.pool)  # for later

        for _ in range(settings.concurrency):
            await stack.enter_async_context(running(answer_tickets))
        try:
            yield board
        finally:
            await _come_to_rest(runner, board, settings.patience)


async def _come_to_rest(runner: Runner, board: Board, patience: timedelta) -> None:
    board.stop()
    if runner.jobs:
        hint = f"Jobs that run have {patience.total_seconds():g} s to end; Ctrl-C again hands them back at once."
        log.info("worker.resting", jobs=runner.jobs, hint=hint)
    try:
        async with asyncio.timeout((patience + LAST_STEPS).total_seconds()):
            await runner.rest()
    except TimeoutError:
        log.warning("worker.stopped_in_mid_job", jobs=runner.jobs)
