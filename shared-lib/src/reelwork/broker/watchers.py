"""The fan-out inside one process: from notices that arrive to everyone who watches. Both adapters end here."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TypeAlias

from reelwork.broker.base import Notice
from reelwork.domain.ids import AccountId, JobId

WatchKey: TypeAlias = tuple[AccountId, JobId | None]

NEWEST_CAPACITY = 4096  # (job, kind) pairs: far above what one account has under way, and a few MB at worst


class Newest:
    """At most one notice per job and kind, in order of first arrival; a newer one takes the place of an older.

    A full one forgets the oldest, so that neither a reader that stands still nor a wide account makes it grow.
    """

    def __init__(self, capacity: int = NEWEST_CAPACITY) -> None:
        self._capacity = capacity
        self._held: dict[tuple[JobId, str], Notice] = {}

    def __len__(self) -> int:
        return len(self._held)

    def put(self, notice: Notice) -> Notice | None:
        """Hold a notice. Returns one that was forgotten for it because there was no room, which is rare."""
        key = (notice.job_id, notice.kind)
        forgotten = None
        if key not in self._held and len(self._held) >= self._capacity:
            forgotten = self.pop()
        self._held[key] = notice
        return forgotten

    def pop(self) -> Notice:
        """The notice that waits longest. Raises KeyError when there is none."""
        try:
            key = next(iter(self._held))
        except StopIteration:
            raise KeyError("no notice is held") from None
        return self._held.pop(key)

    def clear(self) -> int:
        """Forget everything; how many there were."""
        count = len(self._held)
        self._held.clear()
        return count


class Watcher:
    """The iterator of one watcher. Reading never ends by itself."""

    def __init__(self) -> None:
        self._newest = Newest()
        self._filled = asyncio.Event()

    def put(self, notice: Notice) -> None:
        self._newest.put(notice)
        self._filled.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notice:
        while not self._newest:
            self._filled.clear()
            await self._filled.wait()
        return self._newest.pop()


class Watchers:
    """Who watches what. Not for more than one thread: everything happens on the loop."""

    def __init__(self) -> None:
        self._watchers: dict[WatchKey, set[Watcher]] = {}

    def watched(self) -> set[WatchKey]:
        """What is watched at the moment, each once."""
        return set(self._watchers)

    @contextmanager
    def joined(self, key: WatchKey) -> Iterator[Watcher]:
        """A watcher that receives from here to the end of the context."""
        watcher = Watcher()
        self._watchers.setdefault(key, set()).add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]

    def dispatch(self, notice: Notice) -> None:
        """Give a notice to those who watch its job or its whole account."""
        for key in ((notice.account_id, notice.job_id), (notice.account_id, None)):
            for watcher in self._watchers.get(key, ()):
                watcher.put(notice)
