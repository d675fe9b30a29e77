"""Balances: one document for each account, and the one update by which something is reserved.

A reservation does not wait for the disk. The insert of its job does, later and on the same server, and a server's log
is in order: with the job its reservation is durable. Where a failover came between the two, the job is found to have
no reservation when it is settled (`engine/settling.py`), and is charged only if that overdraws nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from reelwork.domain.allotment import MARGIN, Allotment
from reelwork.domain.ids import AccountId
from reelwork.domain.ledger import Balance, Bounds, Entry, effect, setting_aside
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec

ENTRY_CODEC = Codec(Entry)
# Nothing more is reserved while so many entries wait for the ledger: far below MongoDB's 16 MB of a document.
LONGEST_OUTBOX = 5000
_SHORT: Document = {f"outbox.{LONGEST_OUTBOX}": {"$exists": False}}
_CODEC = Codec(Balance)


@adapter
class Balances:
    """The `balances` collection, as requests use it."""

    INDEXES = (
        IndexModel([("open", ASCENDING), ("_id", ASCENDING)], name="open", partialFilterExpression={"open": True}),
    )

    def __init__(self, database: Database) -> None:
        self._balances = database["balances"]
        self._now = database.get_collection(
            "balances", write_concern=WriteConcern(w=1, j=False), read_concern=ReadConcern("local")
        )

    async def begin(self, account: AccountId) -> None:
        """See to it that the account has a balance; safe to repeat."""
        empty = balance_document(Balance(id=account))
        try:
            await self._balances.update_one({"_id": account}, {"$setOnInsert": empty}, upsert=True)
        except DuplicateKeyError:
            return  # another one began it at the same moment

    async def reserve(self, account: AccountId, entries: Sequence[Entry], bounds: Bounds) -> bool:
        """Enter all of this, or nothing if it does not fit the bounds or the balance. False also without a balance, and
        while its outbox is too long."""
        added = effect(entries)
        room = _room(added, bounds)
        if room is None:
            return False
        update: Document = {
            "$push": {"outbox": {"$each": [ENTRY_CODEC.encode(entry) for entry in entries]}},
            "$set": {"open": True},
        }
        if added:
            update["$inc"] = added
        reserved = await self._now.update_one({"_id": account} | _SHORT | room, update)
        return bool(reserved.modified_count)

    async def set_aside(self, account: AccountId, allotment: Allotment, *, jobs_per_day: int) -> bool:
        """Enter places for jobs to come, durably, if much more than that is left of the day's quota; else False."""
        count, most = f"days.{allotment.day}", jobs_per_day - (MARGIN + 1) * allotment.places
        if most < 0:
            return False
        update: Document = {
            "$push": {
                "outbox": ENTRY_CODEC.encode(setting_aside(account, allotment)),
                "allotments": asdict(allotment),
            },
            "$inc": {count: allotment.places},
            "$set": {"open": True},
        }
        room: Document = {count: {"$not": {"$gt": most}}}
        made = await self._balances.update_one({"_id": account} | _SHORT | room, update)
        return bool(made.modified_count)

    async def now(self, account: AccountId) -> Balance | None:
        """The balance at this moment, durable or not; without its outbox. None before anything was entered."""
        found = await self._now.find_one({"_id": account}, {"outbox": 0})
        return balance_of(found) if found is not None else None


def _room(added: Mapping[str, int], bounds: Bounds) -> Document | None:
    """What must hold of a balance so that this can be added to it; None when it never can."""
    room: Document = {}
    if added.get("available", 0) < 0:
        room["available"] = {"$gte": -added["available"]}
    for name, bound in _bounded(added, bounds).items():
        most = bound - added[name]
        if most < 0:
            return None
        room[name] = {"$not": {"$gt": most}}
    return room


def _bounded(added: Mapping[str, int], bounds: Bounds) -> dict[str, int]:
    """The bound of each number that is added to and has one."""
    found: dict[str, int] = {}
    for name in added:
        kind, _, key = name.partition(".")
        bound = {"days": bounds.jobs_per_day, "spent": bounds.account_cap}.get(kind)
        if kind == "keys":
            bound = next((cap for owner, cap in bounds.key_caps.items() if owner == key), None)
        if bound is not None:
            found[name] = bound
    return found


def balance_document(balance: Balance) -> Document:
    document = _CODEC.encode(balance)
    return document | {"outbox": [ENTRY_CODEC.encode(entry) for entry in balance.outbox]}


def balance_of(document: Document) -> Balance:
    outbox = [{"id": entry["_id"], **entry} for entry in document.get("outbox", ())]
    return _CODEC.decode(document | {"outbox": outbox})
