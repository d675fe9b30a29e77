"""What the processes of one worker tell each other, in a page of memory that they share since the fork.

The main process hears signals and may not talk to MongoDB (connections do not survive a fork); its pool processes talk
to MongoDB and hear no signals. In a worker inside another process both sides are the same process.
"""

import mmap
import os
import time
from datetime import timedelta

from reelwork.domain.ids import new_worker_id

_END, _DRAIN = 0, 1


class Board:
    """Made before the fork. Moments are `time.monotonic`, which is the machine's and not the process's."""

    def __init__(self, *, patience: timedelta) -> None:
        """`patience`: how long running jobs may go on once the worker is being stopped."""
        self.worker, self.pid = new_worker_id(), os.getpid()
        self._patience = patience
        self._cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")

    @property
    def takes_jobs(self) -> bool:
        return not (self.stopping or self.draining)

    @property
    def stopping(self) -> bool:
        return self._cells[_END] > 0

    @property
    def time_is_up(self) -> bool:
        """Whether jobs that still run have to go back to the queue now."""
        return self.stopping and time.monotonic() >= self._cells[_END]

    def stop(self) -> None:
        """Take no more jobs, for good; those that run have the patience left. Again: changes nothing."""
        if not self.stopping:
            self._cells[_END] = time.monotonic() + self._patience.total_seconds()

    def hurry(self) -> None:
        """Stop, and leave those that run no time at all."""
        self._cells[_END] = time.monotonic()

    @property
    def draining(self) -> bool:
        """Whether the operator has told the worker to take no jobs; may change to and fro."""
        return self._cells[_DRAIN] > 0

    @draining.setter
    def draining(self, told: bool) -> None:
        self._cells[_DRAIN] = float(told)
