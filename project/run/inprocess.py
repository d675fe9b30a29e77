"""Gateway and worker in this very process, over the in-process broker."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from types import FrameType

import uvicorn

from gateway.app import create_app
from gateway.serving import server_config
from gateway.settings import GatewaySettings
from reelwork.broker.inprocess import InProcessBroker
from reelwork.runtime.reporting import flush_reports
from reelwork.runtime.tracing import tracing
from run.pools import jobs_at_once, more_pools
from worker.board import Board
from worker.inprocess import open_worker
from worker.settings import WorkerSettings


class _Server(uvicorn.Server):
    """Leaves the signals to us: they are for the worker as well."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve_in_process(*, port: int) -> None:
    """Serve until a signal says stop; settings come from the environment. A second signal hands running jobs back at
    once, instead of after their time to end."""
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    broker = InProcessBroker()
    async with AsyncExitStack() as stack:
        settings = GatewaySettings()  # type: ignore[call-arg]  # from the environment
        settings.report_errors(service="reelwork")
        stack.callback(flush_reports)
        stack.enter_context(tracing(settings.otel_endpoint, service="reelwork"))
        boards = [await stack.enter_async_context(open_worker(worker, broker)) for worker in _workers()]
        server: _Server | None = None
        app = create_app(settings, broker=broker, closing=lambda: server is not None and server.should_exit)
        config = server_config(app, settings, host="127.0.0.1", port=port)
        server = _Server(config)
        _stop_by_signals(server, boards)
        await server.serve()


def _workers() -> Iterator[WorkerSettings]:
    """One for the pool that the settings name, and one for each other pool that has models here."""
    concurrency = max(1, (os.cpu_count() or 2) - 1)
    here = WorkerSettings(concurrency=concurrency, worker_name="in-process")  # type: ignore[call-arg]  # environment
    yield here
    for pool in more_pools(here):
        yield here.model_copy(
            update={"pool": pool, "concurrency": jobs_at_once(pool), "worker_name": f"in-process-{pool}"}
        )


def _stop_by_signals(server: _Server, boards: Sequence[Board]) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        again = any(board.stopping for board in boards)
        for board in boards:
            if again:
                board.hurry()
            else:
                board.stop()
        server.force_exit = again
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
