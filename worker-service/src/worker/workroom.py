"""Folders for the files of jobs, one for each process. What a killed process left, whoever comes next removes.

    <prefix><random>.lock   locked (flock) by the process that owns the folder beside it, for its life
    <prefix><random>/

The kernel lets go of a lock when its process ends, however it ends: a lock that can be had belongs to nobody.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_PREFIX = "reelwork-work-"
_LOCK = ".lock"
# More than two are only needed where locks do not work at all.
_TRIES = 5


@contextmanager
def own_folder(root: Path | None, *, prefix: str = _PREFIX) -> Iterator[Path]:
    """A new folder of this process in `root` (None: the system's temporary folder), removed at the end.

    Folders of this prefix that dead processes left there are removed first.
    """
    place = root or Path(tempfile.gettempdir())
    place.mkdir(parents=True, exist_ok=True)
    remove_leftovers(place, prefix=prefix)
    folder, lock = _new(place, prefix)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def remove_leftovers(root: Path | None, *, prefix: str = _PREFIX) -> int:
    """Remove the folders in `root` whose processes have ended; how many."""
    place = root or Path(tempfile.gettempdir())
    removed = 0
    for file in place.glob(f"{prefix}*{_LOCK}"):
        try:
            lock = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # another user's, or removed meanwhile
            continue
        if _is_ours_alone(lock, file):
            _remove(file.with_suffix(""))
            removed += 1
        os.close(lock)
    if removed:
        log.info("workrooms.removed", count=removed)
    return removed


def _new(place: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock. Raises OSError."""
    for _ in range(_TRIES):
        folder = place / f"{prefix}{secrets.token_hex(8)}"
        file = folder.with_suffix(_LOCK)
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        if _is_ours_alone(lock, file):
            folder.mkdir(mode=0o700)
            return folder, lock
        os.close(lock)
    raise OSError(f"No file can be locked in {place}; choose another REELWORK_SCRATCH_DIRECTORY.")


def _is_ours_alone(lock: int, file: Path) -> bool:
    """Lock it, unless it is locked. False also for another user's, and for one that was removed before the lock was
    had: somebody else took it for a leftover."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(lock)
        return found.st_uid == os.geteuid() and os.path.samestat(found, file.lstat())
    except OSError:
        return False


def _remove(folder: Path) -> None:
    """First the folder, then its lock, which leads whoever comes next to a folder that could not be removed whole: the
    thread of a model that does not stop may still write there."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        folder.with_suffix(_LOCK).unlink(missing_ok=True)
