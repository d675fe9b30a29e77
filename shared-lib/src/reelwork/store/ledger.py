"""The ledger as its owners read it. Entries are written by `books.py`, and by nobody ever changed."""

from collections.abc import Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel

from reelwork.domain.ids import AccountId, EntryId, JobId
from reelwork.domain.ledger import Entry, EntryKind
from reelwork.store.balances import ENTRY_CODEC
from reelwork.store.client import Database, Document, adapter


@adapter
class Ledger:
    """The `ledger` collection."""

    # All entries of an account in order are five ranges of it, merged.
    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("kind", ASCENDING), ("serial", DESCENDING)], name="newest_by_kind"),
    )

    def __init__(self, database: Database) -> None:
        self._ledger = database["ledger"]

    async def page(
        self,
        account: AccountId,
        *,
        kinds: Sequence[EntryKind] = (),
        job: JobId | None = None,
        before: EntryId | None,
        limit: int,
    ) -> list[Entry]:
        """Up to `limit` of the account's entries, newest first, older than `before`; of these kinds, about this job."""
        query: Document = {"account_id": account, "kind": {"$in": [kind.value for kind in kinds or EntryKind]}}
        if before is not None:
            query["serial"] = {"$lt": before}
        if job is not None:
            query |= named_after(job)
        found = self._ledger.find(query).sort([("serial", DESCENDING)]).limit(limit)
        return [ENTRY_CODEC.decode(entry) async for entry in found]


def named_after(about: str) -> Document:
    """Entries whose names begin with this: a job's, for example."""
    return {"_id": {"$gte": f"{about}.", "$lt": f"{about}/"}}  # '/' follows '.'
