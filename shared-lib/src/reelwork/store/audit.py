"""The audit log. Entries are added and never changed; nothing here removes one."""

import asyncio
import random
from collections.abc import Mapping

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from reelwork.domain.audit import Action, Actor, AuditEntry, Head, Verification, chain_of, follows, next_entry
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import AccountId
from reelwork.store.client import Database, adapter, server_time
from reelwork.store.codec import Codec

_ENTRIES = Codec(AuditEntry)
# Whoever lost so many races in a row is not racing any more.
_MOST_TRIES = 1000
# Entries read at once while a chain is verified; other requests have their turn in between.
_PORTION = 500


def _pause_seconds(tries: int) -> float:
    """Longer and longer up to a third of a second, and never the same for two: a hundred at once go on one by one."""
    return random.uniform(0, 0.005 * 2 ** min(tries, 6))  # noqa: S311  (not a secret)


@adapter
class AuditLog:
    """The `audit` collection: one chain for each account, and one for the installation (account None)."""

    INDEXES = (IndexModel([("chain", ASCENDING), ("seq", ASCENDING)], name="chain", unique=True),)

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries = database["audit"]

    async def record(
        self,
        account: AccountId | None,
        actor: Actor,
        action: Action,
        target: str,
        details: Mapping[str, str] | None = None,
    ) -> AuditEntry:
        """Add an entry to the account's chain (None: the installation's); it is on disk when this returns.

        Call it before the change that it tells of: then nothing happens that was not recorded, and an entry whose
        change failed stands beside an error that somebody was answered. `details` never hold a secret.

            await stores.audit.record(account.id, caller.actor, Action.KEY_REVOKED, key.id, {"name": key.name})

        Raises StoreUnavailable.
        """
        at = await server_time(self._database)
        for tries in range(_MOST_TRIES):
            entry = next_entry(
                await self._head(chain_of(account)),
                account=account,
                at=at,
                actor=actor,
                action=action,
                target=target,
                details=details or {},
            )
            try:
                await self._entries.insert_one(_ENTRIES.encode(entry))
            except DuplicateKeyError:  # somebody else was faster: ours comes after theirs
                await asyncio.sleep(_pause_seconds(tries))
                continue
            return entry
        raise StoreUnavailable("The audit log is too busy.", hint="Nothing was changed. Try again in a moment.")

    async def page(self, account: AccountId | None, *, before: int | None, limit: int) -> list[AuditEntry]:
        """Up to `limit` entries of a chain, newest first, with numbers below `before`."""
        query: dict[str, object] = {"chain": chain_of(account)}
        if before is not None:
            query["seq"] = {"$lt": before}
        cursor = self._entries.find(query).sort("seq", DESCENDING).limit(limit)
        return [_ENTRIES.decode(document) async for document in cursor]

    async def verify(self, account: AccountId | None) -> Verification:
        """Go through a whole chain and see whether each entry is as it was written, and follows the one before."""
        head = Head()
        while True:
            query = {"chain": chain_of(account), "seq": {"$gt": head.seq}}
            cursor = self._entries.find(query).sort("seq", ASCENDING).limit(_PORTION)
            found = [_ENTRIES.decode(document) async for document in cursor]
            for entry in found:
                if not follows(head, entry):
                    return Verification(head=head, broken_at=head.seq + 1)
                head = Head(seq=entry.seq, hash=entry.hash)
            if len(found) < _PORTION:
                return Verification(head=head)

    async def _head(self, chain: str) -> Head:
        document = await self._entries.find_one({"chain": chain}, {"seq": 1, "hash": 1}, sort=[("seq", DESCENDING)])
        return Head(seq=document["seq"], hash=document["hash"]) if document is not None else Head()
