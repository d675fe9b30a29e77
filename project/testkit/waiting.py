"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from datetime import timedelta

_POLL = 0.02  # seconds


def until(condition: Callable[[], object], *, within: timedelta = timedelta(seconds=30)) -> None:
    """Return as soon as the condition is truthy; AssertionError if it never was. Blocks: not for an event loop."""
    deadline = time.monotonic() + within.total_seconds()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{getattr(condition, '__name__', condition)} was not so within {within}")
        time.sleep(_POLL)
