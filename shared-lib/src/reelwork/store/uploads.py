"""Uploads under way. Their document announces the object, as a staged asset does for other bytes: whatever lies under
its key without a ready asset is swept when its time is over."""

from dataclasses import asdict
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from reelwork.domain.ids import AccountId, UploadId
from reelwork.domain.upload import SWEPT_AFTER, Refusal, Upload, UploadState
from reelwork.store.client import Database, Document, adapter
from reelwork.store.codec import Codec
from reelwork.store.pipeline import NOW, Expression, later, literal

_CODEC = Codec(Upload)
_LAPSED: Expression = {"$lt": [{"$ifNull": ["$lease_until", NOW]}, NOW]}
_IN_TIME: Expression = {"$gt": ["$expires_at", NOW]}
_FREE: Document = {"$or": [{"state": UploadState.OPEN}, {"state": UploadState.CHECKING, "$expr": _LAPSED}]}
_UNDER_WAY = [UploadState.OPEN, UploadState.CHECKING]


@adapter
class Uploads:
    """The `uploads` collection."""

    INDEXES = (
        IndexModel([("account_id", ASCENDING), ("state", ASCENDING)], name="of_account"),
        IndexModel([("expires_at", ASCENDING)], name="expiry"),
    )

    def __init__(self, database: Database) -> None:
        self._uploads = database["uploads"]

    async def add(self, upload: Upload) -> None:
        """Store an open upload."""
        await self._uploads.insert_one(_CODEC.encode(upload))

    async def get(self, account: AccountId, upload: UploadId) -> Upload | None:
        """The account's upload; None for unknown ids and for other accounts' ids alike."""
        document = await self._uploads.find_one({"_id": upload, "account_id": account})
        return _CODEC.decode(document) if document is not None else None

    async def of_id(self, upload: UploadId) -> Upload | None:
        """Whoever's it is: for the sweeper."""
        document = await self._uploads.find_one({"_id": upload})
        return _CODEC.decode(document) if document is not None else None

    async def unfinished(self, account: AccountId, sha256: str) -> Upload | None:
        """The account's newest open upload of these bytes whose time is not over."""
        wanted = {"account_id": account, "state": UploadState.OPEN, "sha256": sha256, "$expr": _IN_TIME}
        document = await self._uploads.find_one(wanted, sort=[("_id", DESCENDING)])
        return _CODEC.decode(document) if document is not None else None

    async def under_way(self, account: AccountId) -> int:
        """How many the account has begun and not ended."""
        wanted = {"account_id": account, "state": {"$in": _UNDER_WAY}, "$expr": _IN_TIME}
        return await self._uploads.count_documents(wanted)

    async def take(self, upload: Upload, holder: str, *, lease: timedelta) -> Upload | None:
        """open, or checking by somebody who fell silent -> checking by `holder`.

        None where somebody else has it, and where its time is over: it may be swept before the check ends.
        """
        free = _FREE | {"_id": upload.id, "$expr": _IN_TIME}
        sets = {"state": UploadState.CHECKING.value, "holder": literal(holder), "lease_until": later(lease)}
        document = await self._uploads.find_one_and_update(free, [{"$set": sets}], return_document=ReturnDocument.AFTER)
        return _CODEC.decode(document) if document is not None else None

    async def renew(self, upload: Upload, holder: str, *, lease: timedelta) -> bool:
        """Go on holding it. False: it is somebody else's by now."""
        return await self._hold(upload, holder, {"lease_until": later(lease)})

    async def give_back(self, upload: Upload, holder: str) -> bool:
        """checking -> open: it could not be checked now."""
        return await self._hold(upload, holder, {"state": UploadState.OPEN.value, "lease_until": None})

    async def complete(self, upload: Upload, holder: str) -> bool:
        """checking -> completed: its asset is staged, and may be committed from here on."""
        return await self._hold(upload, holder, {"state": UploadState.COMPLETED.value, "lease_until": None})

    async def fail(self, upload: Upload, holder: str, refusal: Refusal) -> bool:
        """checking -> failed: the bytes are not what was declared, or not acceptable."""
        sets = {"state": UploadState.FAILED.value, "lease_until": None, "refusal": literal(asdict(refusal))}
        return await self._hold(upload, holder, sets)

    async def abort(self, upload: Upload) -> bool:
        """open, or checking by somebody who fell silent -> aborted. False where it has ended or is being checked."""
        free = _FREE | {"_id": upload.id}
        aborted = await self._uploads.update_one(free, [{"$set": {"state": UploadState.ABORTED.value}}])
        return bool(aborted.modified_count)

    async def due(self, now: datetime, *, limit: int) -> list[Upload]:
        """Uploads whose time has been over for long enough at `now` (database time), oldest first."""
        cursor = self._uploads.find({"expires_at": {"$lt": now - SWEPT_AFTER}}).sort("expires_at", ASCENDING)
        return [_CODEC.decode(document) async for document in cursor.limit(limit)]

    async def close(self, upload: UploadId) -> UploadState | None:
        """Whatever it is but completed -> aborted, so that nobody completes it any more. The state that it has then;
        None: it is gone."""
        completed = UploadState.COMPLETED.value
        ended = {"$cond": [{"$eq": ["$state", completed]}, completed, UploadState.ABORTED.value]}
        document = await self._uploads.find_one_and_update(
            {"_id": upload}, [{"$set": {"state": ended}}], return_document=ReturnDocument.AFTER
        )
        return UploadState(document["state"]) if document is not None else None

    async def forget(self, upload: UploadId) -> None:
        """Remove the document of an upload that was swept."""
        await self._uploads.delete_many({"_id": upload})

    async def _hold(self, upload: Upload, holder: str, sets: dict[str, Expression]) -> bool:
        mine = {"_id": upload.id, "state": UploadState.CHECKING, "holder": holder}
        return bool((await self._uploads.update_one(mine, [{"$set": sets}])).matched_count)
