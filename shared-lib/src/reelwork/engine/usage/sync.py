"""What both ways of counting have in common: they do it about once a second, beside the requests and never in them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from reelwork.broker.base import BrokerDown
from reelwork.counters.usage import CounterDown, Pending
from reelwork.domain.errors import ReelworkError
from reelwork.domain.ids import AccountId
from reelwork.engine.usage.tally import Counted, RequestTally
from reelwork.store.client import DatabaseClock
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

INTERVAL = timedelta(seconds=1)
# For the last requests of a gateway that is stopped in order.
LAST_WORDS = timedelta(seconds=2)
# Jobs that are looked at in one question, milliseconds of the loop that serves requests; and questions in one pass.
LOOKED_AT = 100
QUESTIONS = 20


class UsageSync(Protocol):
    """One way of keeping the counter in step with MongoDB. Every method raises BrokerDown, CounterDown or
    StoreUnavailable when a server is away; then it may have worked or not, and is tried again."""

    async def tell(self, counted: Counted) -> None:
        """Count requests; once for each number, however often it is told."""
        ...

    async def collect(self) -> None:
        """Count what jobs did: one bounded pass."""
        ...

    async def store(self) -> None:
        """Add to the days' sums in MongoDB what was counted: one bounded pass."""
        ...

    async def pending(self, account: AccountId, days: Sequence[str]) -> Pending | None:
        """What is counted and not in the sums yet; None where nobody can tell. Raises nothing."""
        ...


class UsageMeter:
    """Counts the requests of this gateway, and does its share of the rest."""

    def __init__(self, stores: Stores, sync: UsageSync) -> None:
        self._stores = stores
        self._sync = sync
        self._clock = DatabaseClock(stores.database)
        self._tally = RequestTally()
        self._behind: set[str] = set()

    def count(self, account: AccountId) -> None:
        """A request of this account was answered. Never waits."""
        self._tally.count(account)

    async def run(self) -> None:
        """Until cancelled; owned by whoever wires the process."""
        while True:
            await asyncio.sleep(INTERVAL.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311  (jitter)
            await self.run_once()

    async def run_once(self) -> None:
        """Tell of the requests; and of the jobs, if no other gateway has just done so."""
        await self._attempt("requests", self._tell)
        await self._attempt("jobs", self._share)

    async def finish(self) -> None:
        """The last words of a gateway that is stopped in order: what it counted is told, if that is soon done."""
        try:
            async with asyncio.timeout(LAST_WORDS.total_seconds()):
                await self._attempt("requests", self._tell)
        except TimeoutError:
            log.warning("usage.requests_lost", reason="no server took them in time")

    async def _tell(self) -> None:
        while self._tally and (counted := self._tally.drawn(await self._clock.now())) is not None:
            await self._sync.tell(counted)
            self._tally.told()

    async def _share(self) -> None:
        if await self._stores.pulses.take("usage", every=INTERVAL * 0.8):
            await self._attempt("collect", self._sync.collect)
            await self._attempt("store", self._sync.store)

    async def _attempt(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except (BrokerDown, CounterDown, ReelworkError) as error:
            if name not in self._behind:  # told once, until it works again
                self._behind.add(name)
                reason = error.detail if isinstance(error, ReelworkError) else str(error)
                log.warning("usage.behind", step=name, reason=reason)
        else:
            if name in self._behind:
                self._behind.remove(name)
                log.info("usage.caught_up", step=name)
