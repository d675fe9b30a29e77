"""What waits to be sent, bounded: tickets as a number per pool, notices as the newest per job and kind."""

import asyncio
from collections import Counter

import structlog

from reelwork.broker.base import Notice
from reelwork.broker.watchers import Newest

log = structlog.get_logger(__name__)

TICKETS_KEPT = 1000  # per pool, while there is no connection: more wake-ups than any pool has workers


class Outbox:
    """Filled from anywhere on the loop, emptied by the one who sends. `filled` is set by everything that arrives."""

    def __init__(self) -> None:
        self.filled = asyncio.Event()
        self.dropped = 0
        self._tickets: Counter[str] = Counter()
        self._notices = Newest()
        self._dropping = False  # told once, until something could be sent again

    def __bool__(self) -> bool:
        return bool(self._tickets) or bool(self._notices)

    def add_tickets(self, pool: str, count: int) -> None:
        """Keep tickets, up to a thousand of a pool; the rest is dropped and counted."""
        kept = min(count, TICKETS_KEPT - self._tickets[pool])
        if kept < count:
            self._drop("tickets.dropped", count - kept, pool=pool)
        if kept > 0:
            self._tickets[pool] += kept
            self.filled.set()

    def add_notice(self, notice: Notice) -> None:
        """Keep a notice; it takes the place of an older one of its job and kind."""
        if self._notices.put(notice) is not None:
            self._drop("notices.dropped", 1, reason="full")
        self.filled.set()

    def take_ticket(self) -> str | None:
        """The pool of a ticket to be sent, or None when there is none."""
        pool = next(iter(self._tickets), None)
        if pool is None:
            return None
        self._dropping = False
        self._tickets[pool] -= 1
        if self._tickets[pool] <= 0:
            del self._tickets[pool]
        return pool

    def take_notice(self) -> Notice | None:
        """A notice to be sent, or None when there is none."""
        return self._notices.pop() if self._notices else None

    def drop_notices(self) -> None:
        """Forget the notices: what could not be told in time is not worth telling later."""
        if count := self._notices.clear():
            self._drop("notices.dropped", count, reason="disconnected")

    def _drop(self, event: str, count: int, **fields: str) -> None:
        self.dropped += count
        if not self._dropping:
            self._dropping = True
            log.warning(event, count=count, **fields)
