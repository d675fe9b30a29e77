"""Become another program that the kernel kills when its parent dies.

Run as a script, `python -I -S deathsig.py PARENT_PID PROGRAM ARGUMENT...`; it replaces itself with PROGRAM and leaves
no process of its own. This is a script and not a `preexec_fn`, because Python code between fork and exec can deadlock
in a process that has threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def become(parent: int, argv: list[str]) -> None:
    """Replace this process by argv; returns only if the parent is already gone.

    The kernel sends SIGKILL rather than SIGTERM, since a stopped or hung server would survive anything milder; all
    servers here recover from it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() == parent:  # else it died before the call above, and the signal will never come
        os.execvp(argv[0], argv)  # noqa: S606  the very purpose; there is no shell to want


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
