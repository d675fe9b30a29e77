"""Gateway and worker in this very process, over the in-process broker."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from types import FrameType

import uvicorn

from gateway.app import create_app
from gateway.serving import server_config
from gateway.settings import GatewaySettings
from reelwork.broker.inprocess import InProcessBroker
from reelwork.runtime.reporting import flush_reports
from reelwork.runtime.tracing import tracing
from run.ending import Ending
from run.pools import jobs_at_once, more_pools
from worker.board import Board
from worker.inprocess import open_worker
from worker.settings import WorkerSettings


class _Server(uvicorn.Server):
    """Leaves the signals to us: they are for the worker as well. `when_ready`: called once it listens."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve_in_process(*, port: int, ending: Ending | None = None, when_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until a signal says stop; settings come from the environment. A second signal hands running jobs back at
    once, instead of after their time to end. `when_ready`: called once the gateway answers."""
    asyncio.run(_serve(port, ending or Ending(), when_ready))


async def _serve(port: int, ending: Ending, when_ready: Callable[[], None]) -> None:
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
        server = _Server(config, when_ready)
        ending.by_signals(partial(_stop, server, boards))
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


def _stop(server: _Server, boards: Sequence[Board], _number: int, _frame: FrameType | None) -> None:
    again = any(board.stopping for board in boards)
    for board in boards:
        if again:
            board.hurry()
        else:
            board.stop()
    server.force_exit = again
    server.should_exit = True
