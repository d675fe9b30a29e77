"""What one pool process of a Celery worker holds: an event loop in a thread, and a runner on it."""

import os
import time
from contextlib import ExitStack

import anyio
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal

from reelwork.runtime.reporting import flush_reports
from reelwork.runtime.tracing import tracing
from worker.board import Board
from worker.runner import Runner
from worker.settings import WorkerSettings
from worker.wiring import open_runner, say_goodbye

log = structlog.get_logger(__name__)

# Between two processes that cannot connect.
PAUSE_SECONDS = 1.0
# How long a ticket rests with a process that may not take jobs, so that it does not go round and round.
REST_SECONDS = 0.5


class PoolProcess:
    """Opened after the fork, since neither loops nor connections survive one; closed at the process's end."""

    def __init__(self, settings: WorkerSettings, board: Board) -> None:
        self._settings = settings
        self._board = board
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._runner: Runner | None = None

    def open_or_end(self) -> None:
        """Connect, or end this process; the pool then starts another one, until it works."""
        try:
            self.open()
        except Exception:
            # Celery would log whatever is raised here and keep the process, which then could answer no ticket.
            log.exception("worker.not_opened")
            time.sleep(PAUSE_SECONDS)
            _end_process()

    def open(self) -> None:
        """Connect. Raises StoreUnavailable while MongoDB is away."""
        os.nice(self._settings.niceness)
        self._stack.callback(flush_reports)
        name = f"{self._settings.worker_name}-{os.getpid()}"
        self._stack.enter_context(tracing(self._settings.otel_endpoint, service="reelwork-worker"))
        self._portal = self._stack.enter_context(start_blocking_portal())
        opened = self._portal.wrap_async_context_manager(
            open_runner(self._settings, self._board, name=name, abandon=_end_process)
        )
        self._runner = self._stack.enter_context(opened)

    def close(self) -> None:
        """Hand back what is still running, and disconnect."""
        if self._portal is not None and self._runner is not None:
            self._portal.call(self._runner.leave)
        self._stack.close()

    def work(self, pool: str) -> bool:
        """Answer one ticket; returns when the jobs it led to have ended. False: it is for another worker, since this
        one may not take jobs. Raises RuntimeError before `open`."""
        if self._portal is None or self._runner is None:
            raise RuntimeError("the pool process was not opened")
        if self._portal.call(self._runner.answer_ticket, pool) or self._board.takes_jobs:
            return True
        time.sleep(REST_SECONDS)
        return False

    def say_goodbye(self) -> None:
        """In the main process, when all pool processes have ended."""
        anyio.run(say_goodbye, self._settings, self._board)


def _end_process() -> None:
    """Without ceremony: a model that does not stop cannot be ended but with its process. The pool starts a new one."""
    log.error("worker.process_ended", pid=os.getpid())
    os._exit(1)
