"""What a process has in memory, from Linux's own books."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_EVERY_SECONDS = 0.02


def resident_bytes(pid: int) -> int:
    """The resident set of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory: it has ended")


@dataclass(slots=True)
class Peak:
    """`grown`: the most that was resident, above what was at the beginning, in bytes."""

    grown: int = 0


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Look at a process fifty times a second, to the end of the context."""
    peak, idle, over = Peak(), resident_bytes(pid), threading.Event()

    def look() -> None:
        while not over.wait(_EVERY_SECONDS):
            peak.grown = max(peak.grown, resident_bytes(pid) - idle)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
