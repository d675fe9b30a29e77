"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

_FIRST = timedelta(milliseconds=10)
_LONGEST = timedelta(milliseconds=150)
_GROWTH = 1.25


def until(
    condition: Callable[[], object], *, within: timedelta = timedelta(seconds=30), every: timedelta = _FIRST
) -> None:
    """Return as soon as the condition is truthy; AssertionError if it never was. Blocks: not for an event loop.

    Many threads that wait for one server ask less often from the first: they would take the time that it needs.
    """
    deadline = time.monotonic() + within.total_seconds()
    for pause in pauses(every, longest=max(every, _LONGEST)):
        if condition():
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{getattr(condition, '__name__', condition)} was not so within {within}")
        time.sleep(pause)


def pauses(first: timedelta = _FIRST, longest: timedelta = _LONGEST) -> Iterator[float]:
    """Seconds between two looks, without end. Whoever has waited long looks less often: looking costs the processor
    that the awaited one needs."""
    pause = first.total_seconds()
    while True:
        yield pause
        pause = min(pause * _GROWTH, longest.total_seconds())
