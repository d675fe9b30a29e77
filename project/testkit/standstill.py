"""Workers that stand still, as a swapped-out or partitioned machine does."""

import os
import signal

from run.servers.process import Server


def freeze(worker: Server) -> None:
    """Stop a worker with all its processes in mid-step (SIGSTOP), as a swapped-out or partitioned machine is."""
    os.killpg(worker.pid, signal.SIGSTOP)


def thaw(worker: Server) -> None:
    """Let it go on where it was."""
    os.killpg(worker.pid, signal.SIGCONT)
