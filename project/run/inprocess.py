"""Gateway and worker in this very process, over the in-process broker."""

import asyncio
import os
import signal
from types import FrameType

import uvicorn

from gateway.app import create_app
from gateway.settings import GatewaySettings
from reelwork.broker.inprocess import InProcessBroker
from worker.board import Board
from worker.inprocess import open_worker
from worker.settings import WorkerSettings

GRACE_SECONDS = 5


def serve_in_process(*, port: int) -> None:
    """Serve until a signal says stop; settings come from the environment. A second signal hands running jobs back at
    once, instead of after their time to end."""
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    broker = InProcessBroker()
    concurrency = max(1, (os.cpu_count() or 2) - 1)
    worker = WorkerSettings(concurrency=concurrency, worker_name="in-process")  # type: ignore[call-arg]  # environment
    async with open_worker(worker, broker) as board:
        _stop_by_signals(board)
        server: uvicorn.Server | None = None
        app = create_app(
            GatewaySettings(),  # type: ignore[call-arg]  # from the environment
            broker=broker,
            closing=lambda: server is not None and server.should_exit,
        )
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = uvicorn.Server(config)
        await server.serve()


def _stop_by_signals(board: Board) -> None:
    """For the time after uvicorn, which takes signals while it serves, and passes on what it has taken at its end."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if board.stopping:
            board.hurry()
        else:
            board.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
