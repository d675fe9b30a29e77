"""Keeping the books: from what jobs say has become of them to balances, and from balances to the ledger.

Every step is a compare-and-set or safe to repeat, so that whoever dies in between is followed by anyone. An entry is
made by one update of the balance, which also puts it into the balance's outbox; from there it is copied to the
ledger, then the job is told, and only then it leaves the outbox.
"""

import inspect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

from reelwork.domain.allotment import Allotment, allotment_of
from reelwork.domain.ids import AccountId, JobId
from reelwork.domain.job import Bill, BillState
from reelwork.domain.ledger import Balance, Entry, EntryKind, charge_id, closing_id, effect, release_id, reserve_id
from reelwork.store.balances import ENTRY_CODEC, balance_of
from reelwork.store.client import Database, Document, adapter, duplicates
from reelwork.store.ledger import named_after
from reelwork.store.pipeline import Expression

_BILL = TypeAdapter(Bill)
_RACES = 8
# Days of the quota that a balance remembers.
_DAYS_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A job that has ended and whose bill the ledger does not know to be settled."""

    job: JobId
    bill: Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An account's books at one moment. `stored`: holds in the outbox whose job is there under them. `entered`: names
    of entries that were made about `due` and about the other holds, as far as they are in outbox or ledger. `freed`:
    places of `due` jobs' allotments that were given back. `history`: all entries whose names begin with what was asked
    about."""

    balance: Balance
    due: Sequence[Due]
    stored: frozenset[str]
    entered: frozenset[str]
    freed: frozenset[str] = frozenset()
    history: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a job is told: its bill of this hold is settled."""

    job: JobId
    hold: str
    charged: int


@adapter
class Books:
    """The collections `balances`, `ledger` and, as far as bills go, `jobs`."""

    JOB_INDEXES = (
        IndexModel(
            [("bill.due", ASCENDING), ("account_id", ASCENDING), ("_id", ASCENDING)],
            name="bills",
            partialFilterExpression={"bill.due": True},
        ),
        IndexModel([("bill.place", ASCENDING)], name="places", partialFilterExpression={"bill.place": {"$gt": ""}}),
    )

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs = database["jobs"]
        self._ledger = database["ledger"]
        self._balances = database["balances"]
        self._later = database.get_collection("balances", write_concern=WriteConcern(w=1, j=False))

    async def snapshot(self, account: AccountId, *, limit: int, about: str | None = None) -> Snapshot | None:
        """Up to `limit` due jobs of it. None for an account without a balance. `about`: a job or a grant.

        Everything is read in one causal session: what is read later is at least as new, also when another server has
        become the primary meanwhile. The version comes first: a job that was settled before it is not due. The balance
        comes after the due jobs: what was reserved for them is in it, or in the ledger. Where others make entries all
        the time, no job is told to be due.
        """
        async with self._session() as session:
            for _ in range(_RACES if limit else 0):
                first = await self._balances.find_one({"_id": account}, {"version": 1}, session=session)
                due = await self._due(account, limit, session)
                found = await self._balances.find_one({"_id": account}, session=session)
                if first is None or found is None:
                    return None
                if first["version"] == found["version"]:
                    return await self._around(balance_of(found), due, about, session)
            found = await self._balances.find_one({"_id": account}, session=session)
            return await self._around(balance_of(found), [], about, session) if found is not None else None

    async def _around(self, balance: Balance, due: Sequence[Due], about: str | None, session: Any) -> Snapshot:
        """The snapshot with this balance. `Any`: the driver's own."""
        held = [entry for entry in balance.outbox if entry.kind is EntryKind.RESERVE and entry.job_id is not None]
        jobs = self._jobs.find({"_id": {"$in": [entry.job_id for entry in held]}}, {"bill": 1}, session=session)
        stored = frozenset([job["bill"]["hold"] async for job in jobs if job.get("bill")])
        outbox = {entry.id: entry for entry in balance.outbox}
        asked = [name for name in _about(due, held, stored) if name not in outbox]
        found = self._ledger.find({"_id": {"$in": asked}}, session=session)
        known = outbox | {entry["_id"]: ENTRY_CODEC.decode(entry) async for entry in found}
        freed = frozenset[str]().union(*(entry.freed_places for entry in known.values()))
        history = await self._history(balance, about, session) if about is not None else ()
        return Snapshot(balance=balance, due=due, stored=stored, entered=frozenset(known), freed=freed, history=history)

    async def _due(self, account: AccountId, limit: int, session: Any) -> list[Due]:  # the driver's own
        wanted: Document = {"bill.due": True, "account_id": account}
        cursor = self._jobs.find(wanted, {"bill": 1}, session=session).limit(limit)
        return [Due(job=job["_id"], bill=_BILL.validate_python(job["bill"])) async for job in cursor]

    async def _history(self, balance: Balance, about: str, session: Any) -> list[Entry]:  # the driver's own
        found = self._ledger.find({"account_id": balance.id} | named_after(about), session=session)
        entries = {entry.id: entry for entry in balance.outbox if entry.id.startswith(f"{about}.")}
        return list((entries | {entry["_id"]: ENTRY_CODEC.decode(entry) async for entry in found}).values())

    async def taken(self, allotments: Sequence[Allotment]) -> frozenset[str]:
        """Which of their places jobs took."""
        if not allotments:
            return frozenset()
        places: Document = {"$or": [{"bill.place": {"$gte": f"{a.hold}.", "$lt": f"{a.hold}/"}} for a in allotments]}
        found = self._jobs.find(places, {"_id": 0, "bill.place": 1})
        return frozenset([job["bill"]["place"] async for job in found])

    async def idle_places(self, balance: Balance, day: str) -> int:
        """Places of the day's quota that count as used and that no job has taken yet."""
        allotments = [allotment for allotment in balance.allotments if allotment.day == day]
        return sum(allotment.places for allotment in allotments) - len(await self.taken(allotments))

    async def harden(self, account: AccountId) -> None:
        """See to it that the account's reservations until now are durable, and so in a snapshot."""
        await self._balances.update_one({"_id": account}, {"$set": {"open": True}})

    async def enter(self, balance: Balance, entries: Sequence[Entry]) -> bool:
        """Make these entries, if the balance has changed by nothing but reservations since it was read and nothing is
        overdrawn by what they take."""
        taken = sum(min(entry.amount, 0) for entry in entries)
        room: Document = {"available": {"$gte": -taken}} if taken else {}
        update: Document = {
            "$inc": effect(entries) | {"version": 1},
            "$push": {"outbox": {"$each": [ENTRY_CODEC.encode(entry) for entry in entries]}},
            "$set": {"open": True},
        }
        forgotten = [f"days.{day}" for day in _old_days(balance, entries) if f"days.{day}" not in update["$inc"]]
        if forgotten:
            update["$unset"] = dict.fromkeys(forgotten, "")
        closed = [entry.hold for entry in entries if entry.freed is not None]
        if closed:
            update["$pull"] = {"allotments": {"hold": {"$in": closed}}}
        entered = await self._balances.update_one({"_id": balance.id, "version": balance.version} | room, update)
        return bool(entered.modified_count)

    async def record(self, entries: Sequence[Entry]) -> None:
        """Copy entries to the ledger; those that are there already stay as they are."""
        try:
            await self._ledger.insert_many([ENTRY_CODEC.encode(entry) for entry in entries], ordered=False)
        except BulkWriteError as error:
            duplicates(error)

    async def settled(self, settlements: Sequence[Settlement]) -> int:
        """Tell jobs that their bills are settled; how many did not know it yet."""
        told = await self._jobs.bulk_write(
            [
                UpdateOne(
                    {"_id": one.job, "bill.hold": one.hold, "bill.due": True},
                    {
                        "$set": {"bill.state": BillState.SETTLED.value, "bill.charged": one.charged},
                        "$unset": {"bill.due": ""},
                        "$inc": {"version": 1},
                    },
                )
                for one in settlements
            ],
            ordered=False,
        )
        return int(told.modified_count)

    async def refunded(self, job: JobId, amount: int) -> None:
        """Tell a job how much of its charge was given back; what was told last and is more stays."""
        less: Document = {"_id": job, "bill.refunded": {"$lt": amount}}
        await self._jobs.update_one(less, {"$set": {"bill.refunded": amount}, "$inc": {"version": 1}})

    async def strike(self, account: AccountId, entries: Sequence[Entry]) -> None:
        """Take entries that are in the ledger from the outbox. May be lost in a crash: they are struck again then."""
        names = [entry.id for entry in entries]
        rest: Expression = {"$filter": {"input": "$outbox", "cond": {"$not": [{"$in": ["$$this._id", names]}]}}}
        left: Expression = {"$concatArrays": ["$outbox", {"$ifNull": ["$allotments", []]}]}  # older ones have none
        still_open: Expression = {"$cond": [{"$gt": [{"$size": left}, 0]}, True, "$$REMOVE"]}
        await self._later.update_one({"_id": account}, [{"$set": {"outbox": rest}}, {"$set": {"open": still_open}}])

    async def unsettled(self, *, after: str, limit: int) -> list[AccountId]:
        """Accounts with jobs whose bills are due, in id order from `after`: one index seek each."""
        first_of_each: list[Document] = [
            {"$match": {"bill.due": True, "account_id": {"$gt": after}}},
            {"$sort": {"account_id": ASCENDING}},
            {"$group": {"_id": "$account_id"}},
            {"$limit": limit},
        ]
        cursor: Any = self._jobs.aggregate(first_of_each)  # motor answers a cursor at once, pymongo is awaited
        accounts = await cursor if inspect.isawaitable(cursor) else cursor
        return sorted([account["_id"] async for account in accounts])

    async def open(self, *, after: str, limit: int) -> list[AccountId]:
        """Accounts with something in their outbox, or with allotments, in id order from `after`."""
        found = self._balances.find({"open": True, "_id": {"$gt": after}}, {"_id": 1}).sort("_id", ASCENDING)
        return [balance["_id"] async for balance in found.limit(limit)]

    async def bills(self, account: AccountId, jobs: Sequence[JobId]) -> dict[JobId, Bill]:
        """The bills of those of these jobs that are the account's and have one."""
        found = self._jobs.find({"_id": {"$in": list(jobs)}, "account_id": account}, {"bill": 1})
        return {job["_id"]: bill async for job in found if (bill := bill_in(job)) is not None}

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:  # the driver's own
        session: Any = self._database.client.start_session(causal_consistency=True)
        async with await session if inspect.isawaitable(session) else session as opened:  # motor's is awaited
            yield opened


def bill_in(job: Document) -> Bill | None:
    """The bill of a stored job, if it has one."""
    return _BILL.validate_python(job["bill"]) if job.get("bill") else None


def _about(due: Sequence[Due], held: Sequence[Entry], stored: frozenset[str]) -> list[str]:
    """Names of the entries that decide what is to be done."""
    names = [name(one.job, one.bill) for one in due for name in (reserve_id, release_id, charge_id)]
    names += {closing_id(allotment_of(one.bill.place)) for one in due if one.bill.place is not None}
    for entry in held:
        if entry.hold not in stored:
            about = entry.id.removesuffix(EntryKind.RESERVE)
            names += [about + EntryKind.RELEASE, about + EntryKind.CHARGE]
    return names


def _old_days(balance: Balance, entries: Sequence[Entry]) -> list[str]:
    oldest = (max(entry.at for entry in entries) - _DAYS_KEPT).date() if entries else date.min
    return [day for day in balance.days if day < oldest.isoformat()]
