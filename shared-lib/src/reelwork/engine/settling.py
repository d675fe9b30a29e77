"""Settling: what has become of jobs is entered in their accounts' books, exactly once, whoever dies on the way.

One pass over an account: read balance and due jobs; make the entries by a compare-and-set on the balance's version;
copy them to the ledger; tell the jobs; strike them from the outbox. Whoever comes after a crash finds the entries in
the outbox and goes on from there. A slow settler loses at the compare-and-set.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from reelwork.domain.allotment import LIFE
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Bill, BillState
from reelwork.domain.ledger import (
    Balance,
    Entry,
    EntryKind,
    bill_of,
    charge_id,
    charging,
    charging_late,
    closing,
    release_id,
    releasing,
    reserve_id,
)
from reelwork.store.books import Books, Settlement, Snapshot
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# Due jobs of an account in one pass.
DUE = 500
# Entries that leave an outbox in one pass; what is left is the next pass's.
CARRIED = 1000
# Accounts in one pass of the reconciler, of those with due jobs and of those with an outbox each.
ACCOUNTS = 50
# How often the books of an account are read anew after others changed them; what is left is the next pass's.
RACES = 8
# A job is stored so soon after its reservation, or not at all.
STORED_WITHIN = timedelta(seconds=20)
# A reservation whose job is not there after this long is given back: no job is stored so long after its reservation.
# One that is all the same is charged only if that overdraws nothing.
GRACE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Decided:
    """Entries to make, and jobs to tell that nothing was to be entered for them."""

    fresh: list[Entry]
    needless: list[Settlement]


async def settle(books: Books, account: AccountId, now: datetime, *, abandoned: Collection[str] = ()) -> int:
    """Bring an account's books up to date; how many entries were made. `now` is the database's time.

    `abandoned`: holds, of jobs or of allotments, of which it is known that no further job will ever be stored under
    them. Raises StoreUnavailable.
    """
    if abandoned:
        await books.harden(account)
    for _ in range(RACES):
        snapshot = await books.snapshot(account, limit=DUE)
        if snapshot is None:
            return 0
        taken = await books.taken(snapshot.balance.allotments)
        decided = _decide(snapshot, taken, now, abandoned)
        if decided.fresh and not await books.enter(snapshot.balance, decided.fresh):
            continue  # others changed the books: decide anew
        await _carry_over(books, snapshot, decided)
        return len(decided.fresh)
    return 0


def _decide(snapshot: Snapshot, taken: Collection[str], now: datetime, abandoned: Collection[str]) -> _Decided:
    """What the books lack. `taken`: places of open allotments."""
    account, entered = snapshot.balance.id, set(snapshot.entered)
    left, fresh, needless = snapshot.balance.available, list[Entry](), list[Settlement]()
    for due in snapshot.due:
        job, bill = due.job, due.bill
        if charge_id(job, bill) in entered:
            continue  # by one who died before the job was told
        in_force = _is_reserved(job, bill, snapshot) and release_id(job, bill) not in entered
        if bill.state is BillState.CHARGE and in_force:
            fresh.append(charging(account, job, bill, now))
        elif bill.state is BillState.CHARGE:
            paid = bill.amount <= left
            left -= bill.amount if paid else 0
            fresh.append(charging_late(account, job, bill, now, paid=paid))
            log.warning("bill.late", job_id=job, account_id=account, amount=bill.amount, paid=paid)
        elif in_force:
            fresh.append(releasing(account, job, bill, now))
        else:
            needless.append(Settlement(job=job, hold=bill.hold, charged=0))
    entered |= {entry.id for entry in fresh}
    fresh += _given_back(snapshot, entered, now, abandoned)
    return _Decided(fresh + _closings(snapshot.balance, taken, now, abandoned), needless)


def _is_reserved(job: JobId, bill: Bill, snapshot: Snapshot) -> bool:
    if bill.hold == bill.place:  # allotments are durable before any job takes a place of theirs
        return bill.place not in snapshot.freed
    return reserve_id(job, bill) in snapshot.entered


def _closings(balance: Balance, taken: Collection[str], now: datetime, abandoned: Collection[str]) -> list[Entry]:
    """Of allotments that are used up, or of which no further place will be taken."""
    return [
        closing(balance.id, allotment, taken, now)
        for allotment in balance.allotments
        if allotment.names.issubset(taken) or allotment.hold in abandoned or allotment.at < now - LIFE - GRACE
    ]


def _given_back(snapshot: Snapshot, entered: set[str], now: datetime, abandoned: Collection[str]) -> list[Entry]:
    """Releases of what was reserved for jobs that are not there."""
    released = []
    for entry in _reserves(snapshot):
        is_over = entry.hold in abandoned or entry.at < now - GRACE
        if is_over and entry.hold not in snapshot.stored and not _is_closed(entry, entered) and entry.job_id:
            bill = bill_of(entry)
            released.append(releasing(entry.account_id, entry.job_id, bill, now, note="job never stored"))
            log.info("bill.abandoned", job_id=entry.job_id, account_id=entry.account_id, hold=bill.hold)
    return released


async def _carry_over(books: Books, snapshot: Snapshot, decided: _Decided) -> None:
    """From the outbox to ledger and jobs. A reservation stays in the outbox until its job is there, or it has ended."""
    entered = {*snapshot.entered, *(entry.id for entry in decided.fresh)}
    waiting = {
        entry.id
        for entry in _reserves(snapshot)
        if entry.hold not in snapshot.stored and not _is_closed(entry, entered)
    }
    entries = [entry for entry in (*snapshot.balance.outbox, *decided.fresh) if entry.id not in waiting][:CARRIED]
    if entries:
        await books.record(entries)
    settlements = [*_settlements(entries), *decided.needless]
    refunds = {
        entry.job_id: entry.refunded or 0 for entry in entries if entry.kind is EntryKind.REFUND and entry.job_id
    }
    if settlements:
        await books.settled(settlements)
    for job, amount in refunds.items():
        await books.refunded(job, amount)
    if entries:
        await books.strike(snapshot.balance.id, entries)


def _settlements(entries: Sequence[Entry]) -> list[Settlement]:
    return [
        Settlement(job=entry.job_id, hold=entry.hold, charged=entry.charged)
        for entry in entries
        if entry.kind in {EntryKind.CHARGE, EntryKind.RELEASE} and entry.job_id and entry.hold
    ]


def _reserves(snapshot: Snapshot) -> list[Entry]:
    """Of single jobs."""
    outbox = snapshot.balance.outbox
    return [entry for entry in outbox if entry.kind is EntryKind.RESERVE and entry.job_id is not None]


def _is_closed(entry: Entry, entered: Collection[str]) -> bool:
    """Whether what this entry reserved was spent or given back."""
    if entry.job_id is None:
        return False
    bill = bill_of(entry)
    return release_id(entry.job_id, bill) in entered or charge_id(entry.job_id, bill) in entered


class Settler:
    """Settles all accounts, a bounded number in each pass; in turn where there are more."""

    def __init__(self, stores: Stores) -> None:
        self._books = stores.books
        self._due_after = ""
        self._open_after = ""

    async def run_once(self, now: datetime) -> int:
        """One pass; how many entries were made."""
        due = await self._books.unsettled(after=self._due_after, limit=ACCOUNTS)
        self._due_after = due[-1] if len(due) == ACCOUNTS else ""
        open_ = await self._books.open(after=self._open_after, limit=ACCOUNTS)
        self._open_after = open_[-1] if len(open_) == ACCOUNTS else ""
        return sum([await self._settle(account, now) for account in sorted({*due, *open_})])

    async def _settle(self, account: AccountId, now: datetime) -> int:
        try:
            return await settle(self._books, account, now)
        except StoreUnavailable as error:
            log.warning("books.not_kept", account_id=account, reason=error.detail)
        except Exception:
            # Whatever is wrong with one account's books must not hold up all the others'; the next round tries again.
            log.exception("books.failed", account_id=account)
        return 0
