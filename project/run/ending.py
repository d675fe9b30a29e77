"""How we are told to end: by a signal, or by what becomes of the process that started us."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

# How often the parent is looked at; also how much later than the parent a signal for both may come to us.
LOOK_SECONDS = 0.5
_ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
_MASKS = ("SigBlk", "SigCgt")


class Ending:
    """Whether somebody asked us to end. Use it from the main thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def by_signals(self, handle: Callable[[int, FrameType | None], object]) -> None:
        """From now on SIGINT and SIGTERM call this. A shell that puts us in the background ignores SIGINT."""

        def note(number: int, frame: FrameType | None) -> None:
            self._asked.set()
            handle(number, frame)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, note)

    @contextmanager
    def with_parent(self, parent: int | None) -> Iterator[None]:
        """Send us a SIGINT, once, when the process that started us was told to end or is gone; None: when it likes.

        Make that is interrupted alone, not with its whole group as Ctrl-C in a terminal does it, waits for us for
        ever; make that is killed leaves us behind. That it was interrupted shows on Linux alone.
        """
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=(parent, over), name="watch-parent", daemon=True)
        if parent is not None:
            watching.start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, parent: int, over: threading.Event) -> None:
        while not over.wait(LOOK_SECONDS):
            if not _has_ended(parent):
                continue
            if self._asked.wait(LOOK_SECONDS) or over.is_set():
                return
            if _has_ended(parent):  # still: Python blocks signals, too, for the moment in which it starts a process
                os.kill(os.getpid(), signal.SIGINT)
                return


def _has_ended(parent: int) -> bool:
    return os.getppid() != parent or _is_ending(parent)


def _is_ending(process: int) -> bool:
    """Whether it is in its handler of a signal that ends it: make blocks the signal there, and has no handler for it
    any more. False where that cannot be told."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return False
    masks = {name: int(mask, 16) for name, _, mask in (line.partition(":\t") for line in lines) if name in _MASKS}
    return any(_holds(masks["SigBlk"], number) and not _holds(masks["SigCgt"], number) for number in _ENDS)


def _holds(mask: int, number: int) -> bool:
    """Whether the signal is in the set: signals count from 1, bits from 0 (proc(5))."""
    return bool(mask & (1 << (number - 1)))
