"""The broker without a broker: the same ports for a gateway and a worker that live in one process.

Nothing is kept over a restart, and nothing has to be: the reconciler rebuilds tickets from the job store.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from reelwork.broker.base import Notice
from reelwork.broker.watchers import Watchers
from reelwork.domain.ids import AccountId, JobId

log = structlog.get_logger(__name__)

POOL_CAPACITY = 10_000  # a ticket is a wake-up: more than there are workers to wake are worth nothing


class InProcessBroker:
    """Implements `Broker` on asyncio. To be called from one event loop only."""

    def __init__(self, *, pool_capacity: int = POOL_CAPACITY) -> None:
        self._watchers = Watchers()
        self._pools: defaultdict[str, asyncio.Queue[None]] = defaultdict(lambda: asyncio.Queue(pool_capacity))

    def publish(self, pool: str, count: int = 1) -> None:
        """Hand over tickets; those above the pool's capacity are dropped."""
        tickets = self._pools[pool]
        for sent in range(count):
            try:
                tickets.put_nowait(None)
            except asyncio.QueueFull:
                log.warning("tickets.dropped", pool=pool, count=count - sent, reason="full")
                return

    async def take(self, pool: str) -> None:
        """Wait for one ticket of the pool, as long as it takes, and take it. Those who wait are served in order."""
        await self._pools[pool].get()

    async def depth(self, pool: str) -> int | None:
        """How many tickets wait; always known here."""
        return self._pools[pool].qsize()

    def announce(self, notice: Notice) -> None:
        """Give a notice to its watchers at once."""
        self._watchers.dispatch(notice)

    @asynccontextmanager
    async def watch(self, account_id: AccountId, job_id: JobId | None = None) -> AsyncIterator[AsyncIterator[Notice]]:
        """Notices of a job, or of all jobs of an account, from here to the end of the context."""
        with self._watchers.joined((account_id, job_id)) as watcher:
            yield watcher

    async def ping(self) -> None:
        """Always fine: whoever can ask lives in the same process."""
