"""What a process has in memory and what it has worked, from Linux's own books."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_EVERY_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The resident set of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory: it has ended")


def cpu_seconds(pid: int) -> float:
    """Seconds of a processor's time that a process has used since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


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
