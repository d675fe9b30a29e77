"""What runs below a process, as Linux tells it."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def below(pid: int, name: str) -> list[int]:
    """This process and its descendants, those whose program has `name` in its name; parents come before children."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        program = Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has ended meanwhile
        return []
    found = [process for task in tasks for child in _children(task) for process in below(child, name)]
    return [*([pid] if name in program else []), *found]


def _children(task: Path) -> list[int]:
    try:
        return [int(child) for child in (task / "children").read_text().split()]
    except OSError:  # a thread ends more often than its process does
        return []


def send(sign: signal.Signals, pids: Iterable[int]) -> None:
    """To each that is still there: what loses its parent or its child may end by itself."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)


def is_alive(pid: int) -> bool:
    """A zombie is not: its parent has yet to look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
