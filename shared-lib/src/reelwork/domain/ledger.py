"""The books of an account: entries that are only ever added, and the balance that is their sum.

The name of an entry says what it is about (job, round, hold, kind), so that nothing can be entered twice. Amounts are
whole ten-thousandths of a US dollar, units are jobs of a day's quota.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reelwork.domain.allotment import Allotment, number_of, place_name
from reelwork.domain.ids import AccountId, EntryId, JobId, KeyId, new_entry_id
from reelwork.domain.job import Bill


class EntryKind(StrEnum):
    """`reserve`: put aside for a job. `charge`: what was put aside is spent. `release`: it is available again."""

    GRANT = "grant"
    RESERVE = "reserve"
    CHARGE = "charge"
    RELEASE = "release"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`amount`: its effect on what is available, `reserved`: on what is put aside, `units`: on what is used of `day`.

    `id` is unique by its making; `serial` sorts by time and is what owners know it by. `hold`: of which reservation, or
    the name of the order that a refund follows. `refunded`: of the job in all, this refund included. `freed`: the
    numbers of the places that the release of an allotment gives back.
    """

    id: str
    serial: EntryId
    account_id: AccountId
    at: datetime
    kind: EntryKind
    amount: int
    reserved: int = 0
    units: int = 0
    day: str | None = None
    job_id: JobId | None = None
    round: int | None = None
    hold: str | None = None
    key_id: KeyId | None = None
    note: str | None = None
    refunded: int | None = None
    freed: tuple[int, ...] | None = None

    @property
    def freed_places(self) -> frozenset[str]:
        """Names of the places that it gives back."""
        return frozenset(place_name(self.hold or "", number) for number in self.freed or ())

    @property
    def charged(self) -> int:
        """What the account has less by it for good: what left the reserve and did not become available."""
        return -self.amount - self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The sum of an account's entries. `spent`: charged or put aside, over the account's life; `keys`: the same for
    each of its keys. `days`: jobs of the daily quota, of the last days.

    `outbox`: entries that count already and are not yet in the ledger. `allotments`: places set aside that count as
    used, and of which it is not yet known which were taken. `version` grows with every change but reservations and
    allotments, which only ever add.
    """

    id: AccountId
    available: int = 0
    reserved: int = 0
    spent: int = 0
    days: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    outbox: tuple[Entry, ...] = ()
    allotments: tuple[Allotment, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far an account may go: jobs in a day, what it and its keys may spend over their lives. None: no bound."""

    jobs_per_day: int | None = None
    account_cap: int | None = None
    key_caps: Mapping[KeyId, int] = field(default_factory=dict)

    def within(self, other: "Bounds") -> "Bounds":
        """What keeps both."""
        keys = {*self.key_caps, *other.key_caps}
        return Bounds(
            jobs_per_day=_least(self.jobs_per_day, other.jobs_per_day),
            account_cap=_least(self.account_cap, other.account_cap),
            key_caps={
                key: cap for key in keys if (cap := _least(self.key_caps.get(key), other.key_caps.get(key))) is not None
            },
        )


def day_of(moment: datetime) -> str:
    """The day of a quota, in UTC: `2026-11-21`."""
    return moment.date().isoformat()


def effect(entries: Iterable[Entry]) -> dict[str, int]:
    """What these entries add to which number of the balance, by its dotted name; without what they leave as it is."""
    added: Counter[str] = Counter()
    for entry in entries:
        added["available"] += entry.amount
        added["reserved"] += entry.reserved
        if entry.kind is not EntryKind.GRANT:
            added["spent"] -= entry.amount
        if entry.key_id is not None:
            added[f"keys.{entry.key_id}"] -= entry.amount
        if entry.day is not None:
            added[f"days.{entry.day}"] += entry.units
    return {name: change for name, change in added.items() if change}


def reserve_id(job: JobId, bill: Bill) -> str:
    return f"{job}.{bill.round}.{bill.hold}.reserve"


def release_id(job: JobId, bill: Bill) -> str:
    return f"{job}.{bill.round}.{bill.hold}.release"


def charge_id(job: JobId, bill: Bill) -> str:
    return f"{job}.{bill.round}.{bill.hold}.charge"


def refund_id(job: JobId, number: int) -> str:
    return f"{job}.{number}.refund"


def reserving(account: AccountId, job: JobId, bill: Bill, at: datetime) -> Entry:
    """Puts aside what the bill says."""
    return Entry(
        id=reserve_id(job, bill),
        kind=EntryKind.RESERVE,
        amount=-bill.amount,
        reserved=bill.amount,
        units=bill.units,
        **_of(account, job, bill, at),
    )


def releasing(account: AccountId, job: JobId, bill: Bill, at: datetime, *, note: str | None = None) -> Entry:
    """Gives back all that was put aside."""
    return Entry(
        id=release_id(job, bill),
        kind=EntryKind.RELEASE,
        amount=bill.amount,
        reserved=-bill.amount,
        units=-bill.units,
        note=note,
        **_of(account, job, bill, at),
    )


def charging(account: AccountId, job: JobId, bill: Bill, at: datetime) -> Entry:
    """Spends what was put aside."""
    return Entry(
        id=charge_id(job, bill),
        kind=EntryKind.CHARGE,
        amount=0,
        reserved=-bill.amount,
        **_of(account, job, bill, at),
    )


def charging_late(account: AccountId, job: JobId, bill: Bill, at: datetime, *, paid: bool) -> Entry:
    """For a job that was done although its reservation had been given back: paid from what is available, or waived."""
    return Entry(
        id=charge_id(job, bill),
        kind=EntryKind.CHARGE,
        amount=-bill.amount if paid else 0,
        note="late" if paid else "waived",
        **_of(account, job, bill, at),
    )


def closing_id(hold: str) -> str:
    """The entry that closes an allotment."""
    return f"{hold}.release"


def setting_aside(account: AccountId, allotment: Allotment) -> Entry:
    """Counts places as used before jobs take them."""
    return Entry(
        id=f"{allotment.hold}.reserve",
        serial=new_entry_id(),
        account_id=account,
        at=allotment.at,
        kind=EntryKind.RESERVE,
        amount=0,
        units=allotment.places,
        day=allotment.day,
        hold=allotment.hold,
        note="places set aside for jobs to come",
    )


def closing(account: AccountId, allotment: Allotment, taken: Collection[str], at: datetime) -> Entry:
    """Gives back the places that no job took; those of `taken` are the jobs' own from now on."""
    freed = tuple(sorted(number_of(place) for place in allotment.names.difference(taken)))
    return Entry(
        id=closing_id(allotment.hold),
        serial=new_entry_id(),
        account_id=account,
        at=at,
        kind=EntryKind.RELEASE,
        amount=0,
        units=-len(freed),
        day=allotment.day,
        hold=allotment.hold,
        note=f"{len(freed)} of {allotment.places} places not taken",
        freed=freed,
    )


def bill_of(entry: Entry) -> Bill:
    """The bill that a reserve entry stands for. Raises ValueError for any other entry."""
    if (
        entry.kind is not EntryKind.RESERVE
        or entry.round is None
        or not entry.hold
        or not entry.day
        or not entry.key_id
    ):
        raise ValueError(f"{entry.id} reserves nothing")
    return Bill(
        round=entry.round,
        hold=entry.hold,
        amount=entry.reserved,
        units=entry.units,
        day=entry.day,
        key_id=entry.key_id,
    )


def _of(account: AccountId, job: JobId, bill: Bill, at: datetime) -> dict[str, Any]:  # an Entry's own fields
    return {
        "serial": new_entry_id(),
        "account_id": account,
        "at": at,
        "day": bill.day,
        "job_id": job,
        "round": bill.round,
        "hold": bill.hold,
        "key_id": bill.key_id,
    }


def _least(one: int | None, other: int | None) -> int | None:
    return min((bound for bound in (one, other) if bound is not None), default=None)
