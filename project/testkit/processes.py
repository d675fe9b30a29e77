"""What runs below a process, as Linux tells it."""

from pathlib import Path


def below(pid: int, name: str) -> list[int]:
    """This process and its descendants, those whose program has `name` in its name."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
        program = Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has ended meanwhile
        return []
    found = [process for child in children for process in below(child, name)]
    return [*found, *([pid] if name in program else [])]


def is_alive(pid: int) -> bool:
    """A zombie is not: its parent has yet to look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
