"""The main process of a Celery worker: hears signals, and stops taking tickets while the worker drains.

It does not talk to MongoDB before its pool processes have ended: what it needs to know they write on the board.
"""

import os
import signal
import threading
import time
from datetime import timedelta
from types import FrameType
from typing import Any

import structlog
from celery.bootsteps import StartStopStep
from celery.worker import state

from worker.board import Board

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
# A terminal and a tool that passes signals on both send the same Ctrl-C: what comes so soon is not a second one.
ECHO_SECONDS = 0.5
# Beyond the patience with running jobs: to hand them back, to say good-bye, to disconnect.
LAST_STEPS = timedelta(seconds=15)


def foreman(board: Board, *, queue: str, patience: timedelta) -> type[StartStopStep]:
    """The step that Celery's worker takes at its start."""

    class Bound(Foreman):
        pass

    Bound.board, Bound.queue, Bound.patience = board, queue, patience
    return Bound


class Foreman(StartStopStep):
    """`Any` below: Celery's worker, consumer and event loop, which have no types."""

    board: Board
    queue: str
    patience: timedelta

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._pid = os.getpid()
        self._consuming = True
        self._told_at = 0.0

    def start(self, _worker: Any) -> None:
        """In place of Celery's own handlers, which wait for running tasks without an end, or kill them."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGQUIT, self._end)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called at every connection; Celery ends the timers of the one before."""
        hub.call_repeatedly(LOOK_SECONDS, self._look, worker)

    def _look(self, worker: Any) -> None:
        """A worker that drains leaves tickets in their queue, for others or for later."""
        wanted = not self.board.draining
        if wanted is self._consuming or self.board.stopping or worker.consumer.task_consumer is None:
            return
        self._consuming = wanted
        if wanted:
            worker.consumer.add_task_queue(self.queue)
        else:
            worker.consumer.cancel_task_queue(self.queue)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # a pool process that has not yet handlers of its own
            return
        if not self.board.stopping:
            self._told_at = time.monotonic()
            self.board.stop()
            state.should_stop = os.EX_OK  # type: ignore[assignment]  # its type is that of its first value
            limit = (self.patience + LAST_STEPS).total_seconds()
            last_resort = threading.Timer(limit, self._end, (number, frame))
            last_resort.daemon = True
            last_resort.start()
        elif time.monotonic() - self._told_at > ECHO_SECONDS:
            self._end(number, frame)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        """At once: the kernel ends the pool processes with this one, and the leases do the rest."""
        os.write(2, b"worker ended at once; its jobs go to others when their leases are over\n")
        os._exit(os.EX_SOFTWARE)
