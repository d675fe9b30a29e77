"""Emptying a database between tests, at the price of one question where there is little in it."""

from collections.abc import Sequence

from pymongo.errors import AutoReconnect

from reelwork.store.client import Database, Document

COLLECTIONS = (
    "jobs",
    "batches",
    "lanes",
    "assets",
    "accounts",
    "keys",
    "models",
    "pools",
    "pulses",
    "runtimes",
    "circuits",
    "model_statistics",
    "workers",
    "idempotency",
    "audit",
    "signing_keys",
    "stream_tickets",
    "balances",
    "ledger",
    "usage",
    "usage_events",
    "webhooks",
    "webhook_secrets",
    "deliveries",
    "uploads",
    "series",
    "series_points",
)


async def empty(database: Database, collections: Sequence[str] = COLLECTIONS) -> None:
    """Remove every document of these collections; indexes stay.

    Tests without an event loop may run for half a minute before this. The driver takes that standstill for a silent
    server and interrupts what is under way, so everything is tried twice.
    """
    try:
        filled = await _filled(database, collections)
    except AutoReconnect:
        filled = await _filled(database, collections)
    for name in filled:
        try:
            await database[name].delete_many({})
        except AutoReconnect:
            await database[name].delete_many({})


async def _filled(database: Database, collections: Sequence[str]) -> list[str]:
    """The collections that hold anything, asked for at once."""
    first, *others = collections
    unions = [{"$unionWith": {"coll": name, "pipeline": _one_of(name)}} for name in others]
    look: Document = {"aggregate": first, "pipeline": [*_one_of(first), *unions], "cursor": {}}
    answer = await database.command(look | {"readConcern": {"level": "local"}})
    return [document["name"] for document in answer["cursor"]["firstBatch"]]


def _one_of(name: str) -> list[Document]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]
