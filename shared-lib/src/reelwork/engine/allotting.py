"""Setting places of daily quotas aside for accounts that submit one job after the other, so that these need not wait.

The places of an account are taken from memory; new ones are set aside in the background before they run out. What
a process that dies had set aside is given back by whoever settles the account's books, a minute later.
"""

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from reelwork.domain.allotment import FIRST, LIFE, Allotment, allotment_of, largest, number_of
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AccountId, new_slot_id
from reelwork.engine.settling import STORED_WITHIN
from reelwork.store.client import DatabaseClock
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# Who reserves again so soon is expected to go on.
BRISK = timedelta(seconds=1)
# The name of tasks that set places aside.
BACKGROUND = "places"
# So long after the end of an allotment's life no job of it is being written any more: a write takes some seconds.
AFTERMATH = STORED_WITHIN + timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Of one account on one day."""

    account_id: AccountId
    day: str
    jobs: int


@dataclass(slots=True)
class _Open:
    """An allotment of this process. `until`: its places are taken before this moment."""

    allotment: Allotment
    quota: Quota
    until: float
    free: deque[int] = field(init=False)

    def __post_init__(self) -> None:
        self.free = deque(range(self.allotment.places))


@dataclass(slots=True)
class _Customer:
    """`open`: with free places. `size`: of the last allotment. `missed_at`: when there was no place last.
    `rests_until`: before that its quota has no room for another allotment."""

    open: list[_Open] = field(default_factory=list)
    size: int = 0
    missed_at: float = -math.inf
    rests_until: float = -math.inf
    setting_aside: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Ending:
    """From `at` on no job will be stored under this allotment."""

    at: float
    account_id: AccountId
    hold: str


class Allotments:
    """Those of one process. Memory is bounded by the accounts that submitted within the last half minute."""

    def __init__(self, stores: Stores, clock: DatabaseClock, steady: Callable[[], float]) -> None:
        """`steady`: seconds that never go back, as `time.monotonic`."""
        self._balances = stores.balances
        self._clock = clock
        self._steady = steady
        self._customers: dict[AccountId, _Customer] = {}
        self._endings: deque[_Ending] = deque()

    def take(self, quota: Quota) -> str | None:
        """A place for one job, to be stored within `STORED_WITHIN`; None: there is none, reserve as usual."""
        customer = self._customers.get(quota.account_id)
        if customer is None:
            return None
        now = self._steady()
        customer.open = [one for one in customer.open if one.free and one.quota == quota and now < one.until]
        if not customer.open:
            return None
        if sum(len(one.free) for one in customer.open) <= customer.size // 2:
            self._begin(customer, quota, size=2 * customer.size)
        first = customer.open[0]
        return first.allotment.place(first.free.popleft())

    def put_back(self, account: AccountId, place: str) -> None:
        """No job was and none will be stored under this place."""
        customer = self._customers.get(account)
        for one in customer.open if customer is not None else ():
            if one.allotment.hold == allotment_of(place):
                one.free.append(number_of(place))

    def missed(self, quota: Quota) -> None:
        """A job of this account had to be reserved for by itself; if that happens often, places are set aside."""
        customer = self._customers.setdefault(quota.account_id, _Customer())
        now, before = self._steady(), customer.missed_at
        customer.missed_at = now
        if now - before < BRISK.total_seconds():
            self._begin(customer, quota, size=FIRST)

    async def set_aside(self, quota: Quota, size: int) -> bool:
        """Places for jobs to come; False where the quota has not much more than that left. Raises StoreUnavailable."""
        allotment = Allotment(hold=new_slot_id(), day=quota.day, places=size, at=await self._clock.now())
        until = self._steady() + LIFE.total_seconds()
        made = await self._balances.set_aside(quota.account_id, allotment, jobs_per_day=quota.jobs)
        if made:
            self._customers.setdefault(quota.account_id, _Customer()).open.append(_Open(allotment, quota, until))
            self._endings.append(_Ending(until + AFTERMATH.total_seconds(), quota.account_id, allotment.hold))
        return made

    def over(self) -> Mapping[AccountId, Sequence[str]]:
        """Allotments under which this process stores no further job, each told once. Accounts that have gone quiet are
        forgotten."""
        now, found = self._steady(), defaultdict[AccountId, list[str]](list)
        while self._endings and self._endings[0].at < now:
            ending = self._endings.popleft()
            found[ending.account_id].append(ending.hold)
        self._customers = {account: one for account, one in self._customers.items() if not _is_quiet(one, now)}
        return found

    async def close(self) -> None:
        """Stop what is under way in the background."""
        tasks = [one.setting_aside for one in self._customers.values() if one.setting_aside is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, customer: _Customer, quota: Quota, *, size: int) -> None:
        size = min(size, largest(quota.jobs))
        if size and customer.setting_aside is None and customer.rests_until < self._steady():
            customer.size = size
            customer.setting_aside = asyncio.create_task(self._try(customer, quota, size), name=BACKGROUND)

    async def _try(self, customer: _Customer, quota: Quota, size: int) -> None:
        try:
            if not await self.set_aside(quota, size):
                customer.rests_until = self._steady() + LIFE.total_seconds()
        except StoreUnavailable as error:
            log.warning("places.not_set_aside", account_id=quota.account_id, reason=error.detail)
        finally:
            customer.setting_aside = None


def _is_quiet(customer: _Customer, now: float) -> bool:
    recent = max(customer.missed_at + BRISK.total_seconds(), customer.rests_until)
    return recent < now and customer.setting_aside is None and all(one.until < now for one in customer.open)
