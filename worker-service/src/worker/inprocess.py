"""The worker inside another process: answers tickets of the in-process broker. Only `make run` uses it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from reelwork.broker.inprocess import InProcessBroker
from reelwork.runtime.tasks import running
from worker.settings import WorkerSettings
from worker.wiring import open_runner


@asynccontextmanager
async def open_worker(settings: WorkerSettings, broker: InProcessBroker) -> AsyncIterator[None]:
    """A worker with `settings.concurrency` jobs at once, for the length of the context.

    A model that does not stop when asked is left to end in its thread: there is no process of its own to end.
    """
    async with AsyncExitStack() as stack:
        runner = await stack.enter_async_context(open_runner(settings, broker=broker))

        async def answer_tickets() -> None:
            while True:
                await broker.take(settings.pool)
                await runner.answer_ticket(settings.pool)

        for _ in range(settings.concurrency):
            await stack.enter_async_context(running(answer_tickets))
        yield
