"""Folders for the files of jobs, one for each process. What a killed process left, whoever comes next removes.

    reelwork-work-<random>.lock   locked (flock) by the process that owns the folder beside it, for its life
    reelwork-work-<random>/

The kernel lets go of a lock when its process ends, however it ends: a lock that can be had belongs to nobody.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_PREFIX = "reelwork-work-"
_LOCK = ".lock"


@contextmanager
def own_folder(root: Path | None) -> Iterator[Path]:
    """A new folder of this process in `root` (None: the system's temporary folder), removed at the end.

    Folders that dead processes left there are removed first.
    """
    place = root or Path(tempfile.gettempdir())
    place.mkdir(parents=True, exist_ok=True)
    remove_leftovers(place)
    folder, lock = _new(place)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def remove_leftovers(root: Path | None) -> int:
    """Remove the folders in `root` whose processes have ended; how many."""
    place = root or Path(tempfile.gettempdir())
    removed = 0
    for file in place.glob(f"{_PREFIX}*{_LOCK}"):
        lock = _lock(file, os.O_RDWR)
        if lock is not None:
            _remove(file.with_suffix(""))
            os.close(lock)
            removed += 1
    if removed:
        log.info("workrooms.removed", count=removed)
    return removed


def _new(place: Path) -> tuple[Path, int]:
    while True:
        folder = place / f"{_PREFIX}{secrets.token_hex(8)}"
        lock = _lock(folder.with_suffix(_LOCK), os.O_RDWR | os.O_CREAT | os.O_EXCL)
        if lock is not None:  # else somebody took the file for a leftover before it was locked
            folder.mkdir(mode=0o700)
            return folder, lock


def _lock(file: Path, flags: int) -> int | None:
    """The descriptor that holds the lock; None for a lock that is held, gone, or another user's."""
    try:
        descriptor = os.open(file, flags | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    with suppress(OSError):  # held, or its file was removed meanwhile
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and os.path.samestat(found, file.lstat()):
            return descriptor
    os.close(descriptor)
    return None


def _remove(folder: Path) -> None:
    """First the folder, then its lock: a process that dies between the two leaves a lock that still leads there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(_LOCK).unlink(missing_ok=True)
