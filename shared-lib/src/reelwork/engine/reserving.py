"""Reserving: before a job is stored, its price and its place in the day's quota are put aside, or it is refused.

Those that come at the same time for one account are reserved by one update (a group commit, as in `intake.py`). Where
they do not fit together they are taken one by one in their order, so that exactly as many pass as fit.
"""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce

import structlog

from reelwork.domain.errors import ReelworkError, StoreUnavailable
from reelwork.domain.ids import AccountId, JobId, KeyId, new_slot_id
from reelwork.domain.job import Bill
from reelwork.domain.ledger import Balance, Bounds, Entry, day_of, effect, reserving
from reelwork.domain.shortage import shortages
from reelwork.engine.allotting import Allotments, Quota
from reelwork.engine.settling import DUE, settle
from reelwork.store.client import DatabaseClock
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# Entries in one update: of some 300 bytes each.
MOST_AT_ONCE = 100
# How often a reservation that nothing speaks against is tried while others change the balance.
RACES = 8
# How often the books of accounts that reserved something are brought up to date; and after how many reservations at the
# latest: a balance with a long outbox takes long to change (0.6 ms with 50 entries in it, 1.5 ms with 300).
INTERVAL = timedelta(seconds=0.5)
LONG_OUTBOX = 50
KNOWN_ACCOUNTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """On whose account, by which key, and within which bounds."""

    account_id: AccountId
    key_id: KeyId
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A job that wants `price`, in ten-thousandths of a dollar. `last`: its bill in the round before."""

    job_id: JobId
    price: int
    last: Bill | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    entries: Sequence[Entry]
    bounds: Bounds
    done: asyncio.Future[None]


class Reservations:
    """Reserves for all accounts; one in each process that stores jobs."""

    def __init__(self, stores: Stores, *, steady: Callable[[], float] = time.monotonic) -> None:
        """`steady`: seconds that never go back."""
        self._stores = stores
        self._clock = DatabaseClock(stores.database)
        self.allotments = Allotments(stores, self._clock, steady)
        self._waiting: dict[AccountId, deque[_Waiting]] = defaultdict(deque)
        self._writers: dict[AccountId, asyncio.Task[None]] = {}
        self._begun: set[AccountId] = set()
        self._touched: Counter[AccountId] = Counter()
        self._enough = asyncio.Event()

    async def reserve(self, payer: Payer, asks: Sequence[Ask]) -> list[Bill | None]:
        """A bill for each, to be stored with its job within `STORED_WITHIN`, or given back; all of them or none.

        None for what costs nothing and counts in no quota: where that is all, nothing is written.

        Raises QuotaExceeded, SpendCapReached, InsufficientCredits, StoreUnavailable (what was reserved then is given
        back after a minute).
        """
        bills = await self._bills(payer, asks)
        if bills:
            quota = _quota_alone(payer, list(bills.values()))
            place = self.allotments.take(quota) if quota is not None else None
            if place is not None:
                self._touch(payer.account_id, 0)
                return [replace(bill, hold=place, place=place) for bill in bills.values()]
            await self._written(payer.account_id, await self._entries(payer, bills), payer.bounds)
            self._touch(payer.account_id, len(bills))
            if quota is not None:
                self.allotments.missed(quota)
        return [bills.get(ask.job_id) for ask in asks]

    async def refusals(self, payer: Payer, asks: Sequence[Ask]) -> list[ReelworkError]:
        """Why nothing could be reserved for these at the moment, every reason. Reserves nothing."""
        bills = await self._bills(payer, asks)
        if not bills:
            return []
        balance = await self._stores.balances.now(payer.account_id) or Balance(id=payer.account_id)
        added = effect(await self._entries(payer, bills))
        return list(shortages(balance, added, payer.bounds, await self._clock.now()))

    async def _bills(self, payer: Payer, asks: Sequence[Ask]) -> dict[JobId, Bill]:
        """For those that cost or count something."""
        units = 0 if payer.bounds.jobs_per_day is None else 1
        wanted = [ask for ask in asks if units or ask.price or ask.last is not None]
        day = day_of(await self._clock.now()) if wanted else ""
        return {ask.job_id: _bill(ask, payer, units, day) for ask in wanted}

    async def _entries(self, payer: Payer, bills: Mapping[JobId, Bill]) -> list[Entry]:
        now = await self._clock.now()
        return [reserving(payer.account_id, job, bill, now) for job, bill in bills.items()]

    async def give_back(self, account: AccountId, bills: Sequence[Bill | None]) -> None:
        """No job will ever be stored under these bills. What cannot be given back now is given back after a minute."""
        for place in {bill.place for bill in bills if bill is not None and bill.place == bill.hold}:
            self.allotments.put_back(account, place)
        holds = {bill.hold for bill in bills if bill is not None and bill.place != bill.hold}
        if not holds:
            return
        try:
            await settle(self._stores.books, account, await self._clock.now(), abandoned=holds)
        except StoreUnavailable as error:
            log.warning("bill.not_given_back", account_id=account, holds=len(holds), reason=error.detail)

    async def settle(self, account: AccountId) -> None:
        """Bring the account's books up to date. Raises StoreUnavailable."""
        await self._settle(account, ())

    async def _settle(self, account: AccountId, abandoned: Collection[str]) -> None:
        now = await self._clock.now()
        while await settle(self._stores.books, account, now, abandoned=abandoned) >= DUE:
            continue  # there may be more

    async def run(self) -> None:
        """Keep the books of accounts that reserve something here, until cancelled: so their outboxes stay short."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._enough.wait(), INTERVAL.total_seconds())
                self._enough.clear()
                touched, self._touched = self._touched, Counter()
                over = self.allotments.over()
                for account in {*touched, *over}:
                    await self._keep(account, over.get(account, ()))
        finally:
            await self.allotments.close()
            for writer in self._writers.values():
                writer.cancel()
            await asyncio.gather(*self._writers.values(), return_exceptions=True)

    async def _keep(self, account: AccountId, abandoned: Collection[str]) -> None:
        try:
            await self._settle(account, abandoned)
        except StoreUnavailable as error:
            log.warning("books.not_kept", account_id=account, reason=error.detail)  # the reconciler will

    def _touch(self, account: AccountId, count: int) -> None:
        self._touched[account] += count
        if self._touched[account] >= LONG_OUTBOX:
            self._enough.set()

    async def _written(self, account: AccountId, entries: Sequence[Entry], bounds: Bounds) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[account].append(_Waiting(entries, bounds, done))
        if account not in self._writers:
            self._writers[account] = asyncio.create_task(self._write_all(account))
        await done

    async def _write_all(self, account: AccountId) -> None:
        """Whoever comes while a write is under way goes with the next one."""
        waiting, together = self._waiting[account], list[_Waiting]()
        try:
            while waiting:
                together = [waiting.popleft()]
                while waiting and sum(len(one.entries) for one in together) < MOST_AT_ONCE:
                    together.append(waiting.popleft())
                await self._write(account, together)
        except BaseException as error:  # this process ends, and nobody else would ever answer them
            for one in (*together, *waiting):
                _answer(one, error)
            raise
        finally:
            del self._waiting[account], self._writers[account]

    async def _write(self, account: AccountId, together: Sequence[_Waiting]) -> None:
        try:
            await self._begin(account)
            entries = [entry for one in together for entry in one.entries]
            bounds = reduce(Bounds.within, (one.bounds for one in together))
            if len(together) > 1 and await self._stores.balances.reserve(account, entries, bounds):
                for one in together:
                    _answer(one)
                return
        except Exception as error:  # noqa: BLE001  (nobody else would ever answer them)
            for one in together:
                _answer(one, error)
            return
        for one in together:
            await self._write_one(account, one)

    async def _write_one(self, account: AccountId, one: _Waiting) -> None:
        try:
            await self._reserve(account, one.entries, one.bounds)
        except Exception as error:  # noqa: BLE001  (nobody else would ever answer it)
            _answer(one, error)
        else:
            _answer(one)

    async def _reserve(self, account: AccountId, entries: Sequence[Entry], bounds: Bounds) -> None:
        for _ in range(RACES):
            if await self._stores.balances.reserve(account, entries, bounds):
                return
            balance = await self._stores.balances.now(account)
            if balance is None:
                self._begun.discard(account)
                await self._begin(account)
                continue
            for short in shortages(balance, effect(entries), bounds, await self._clock.now()):
                raise short
        raise StoreUnavailable(
            "The account's balance changes all the time.", hint="Try again in a moment.", retry_after_seconds=1
        )

    async def _begin(self, account: AccountId) -> None:
        if account in self._begun:
            return
        await self._stores.balances.begin(account)
        if len(self._begun) >= KNOWN_ACCOUNTS:
            self._begun.clear()
        self._begun.add(account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What a request may spend."""

    reservations: Reservations
    payer: Payer

    async def reserve(self, *asks: Ask) -> list[Bill | None]:
        """See `Reservations.reserve`."""
        return await self.reservations.reserve(self.payer, asks)

    async def refusals(self, *asks: Ask) -> list[ReelworkError]:
        """See `Reservations.refusals`."""
        return await self.reservations.refusals(self.payer, asks)

    async def settle(self) -> None:
        """See `Reservations.settle`."""
        await self.reservations.settle(self.payer.account_id)

    async def give_back(self, *bills: Bill | None) -> None:
        """See `Reservations.give_back`."""
        await self.reservations.give_back(self.payer.account_id, bills)


def _bill(ask: Ask, payer: Payer, units: int, day: str) -> Bill:
    return Bill(
        round=ask.last.round + 1 if ask.last is not None else 1,
        hold=new_slot_id(),
        amount=ask.price,
        units=units,
        day=day,
        key_id=payer.key_id,
        place=ask.last.place if ask.last is not None else None,
    )


def _quota_alone(payer: Payer, bills: Sequence[Bill]) -> Quota | None:
    """The quota of a new job that is counted and costs nothing: such a one may take a place that was set aside."""
    per_day, bill = payer.bounds.jobs_per_day, bills[0]
    if per_day is None or len(bills) > 1 or bill.amount or bill.round > 1:
        return None
    return Quota(account_id=payer.account_id, day=bill.day, jobs=per_day)


def _answer(one: _Waiting, error: BaseException | None = None) -> None:
    if one.done.done():
        return  # its caller went away: what was reserved for it is given back after a minute
    if error is not None:
        one.done.set_exception(error)
    else:
        one.done.set_result(None)
