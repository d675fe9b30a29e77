"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from datetime import timedelta

_POLL = timedelta(milliseconds=20)


def until(
    condition: Callable[[], object], *, within: timedelta = timedelta(seconds=30), every: timedelta = _POLL
) -> None:
    """Return as soon as the condition is truthy; AssertionError if it never was. Blocks: not for an event loop.

    Many threads that wait for a server of this machine ask less often: they would take the time it needs.
    """
    deadline = time.monotonic() + within.total_seconds()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{getattr(condition, '__name__', condition)} was not so within {within}")
        time.sleep(every.total_seconds())
