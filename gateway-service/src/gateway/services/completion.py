"""From stored bytes to an asset: put together, checked under a lease, and committed, once. It takes as long as the file
is large, so it goes on when the client that asked for it stops waiting, and whoever asks next waits for the same."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta

import structlog

from gateway.services.stored_check import StoredCheck
from reelwork.domain.asset import Asset, AssetState
from reelwork.domain.errors import (
    FieldError,
    HashMismatch,
    InvalidInput,
    InvalidState,
    ReelworkError,
    UnsupportedMediaType,
)
from reelwork.domain.ids import UploadId
from reelwork.domain.upload import LONGEST_CHECK, Refusal, Upload
from reelwork.engine.sweep import Sweeper
from reelwork.objects.direct import StoredPart
from reelwork.objects.errors import ObjectMissing
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.tasks import running
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
# How long a client is made to wait: most proxies cut off a silent minute.
PATIENCE = timedelta(seconds=20)
_REFUSALS: dict[str, type[ReelworkError]] = {
    error.code: error for error in (HashMismatch, InvalidInput, UnsupportedMediaType)
}


class Completion:
    """Checks run as long as `run` does."""

    def __init__(
        self,
        stores: Stores,
        objects: ObjectStore,
        sweeper: Sweeper,
        check: StoredCheck,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._stores = stores
        self._objects = objects
        self._sweeper = sweeper
        self._check = check
        self._patience = patience
        self._under_way: dict[UploadId, asyncio.Task[Asset]] = {}

    async def run(self) -> None:
        """Until cancelled, and then all checks with it: others take them over when their leases lapse."""
        try:
            await asyncio.Event().wait()
        finally:
            checks = list(self._under_way.values())
            for check in checks:
                check.cancel()
            await asyncio.gather(*checks, return_exceptions=True)

    async def of(self, upload: Upload, parts: Sequence[StoredPart]) -> Asset | None:
        """The asset; None when it takes longer than a client should wait, or another gateway is at it.

        Raises HashMismatch, InvalidInput, UnsupportedMediaType, all kept for whoever asks again; InvalidState,
        ObjectStoreDown, StoreUnavailable.
        """
        check = self._under_way.get(upload.id)
        if check is None:
            holder = secrets.token_hex(16)
            taken = await self._stores.uploads.take(upload, holder, lease=LEASE)
            if taken is None:
                return None
            check = asyncio.create_task(self._finish(taken, holder, parts))
            self._under_way[upload.id] = check
            check.add_done_callback(lambda done: self._ended(upload.id, done))
        await asyncio.wait({check}, timeout=self._patience.total_seconds())
        return check.result() if check.done() else None

    def _ended(self, upload: UploadId, check: asyncio.Task[Asset]) -> None:
        self._under_way.pop(upload, None)
        error = None if check.cancelled() else check.exception()
        if isinstance(error, ReelworkError):
            log.info("upload.not_completed", upload_id=upload, reason=error.detail)
        elif error is not None:  # nobody may be waiting for it any more
            log.error("upload.check_failed", upload_id=upload, exc_info=error)

    async def _finish(self, upload: Upload, holder: str, parts: Sequence[StoredPart]) -> Asset:
        try:
            async with asyncio.timeout(LONGEST_CHECK.total_seconds()), running(lambda: self._hold(upload, holder)):
                await self._join(upload, parts)
                asset = await self._check.asset_of(upload)
        except (HashMismatch, InvalidInput, UnsupportedMediaType) as error:
            refusal = _refusal(error)
            if await self._stores.uploads.fail(upload, holder, refusal):
                await self._sweeper.let_go(upload)
            raise refusal_again(refusal) from error
        except ObjectMissing as error:
            await self._stores.uploads.give_back(upload, holder)
            raise InvalidState("The store has lost what was sent.", hint="Begin a new upload.") from error
        except BaseException:  # the store is away, or we are asked to stop: another time, perhaps elsewhere
            await asyncio.shield(self._stores.uploads.give_back(upload, holder))
            raise
        return await self._keep(asset, upload, holder)

    async def _hold(self, upload: Upload, holder: str) -> None:
        while True:
            if not await self._stores.uploads.renew(upload, holder, lease=LEASE):
                log.warning("upload.lease_lost", upload_id=upload.id)
                return
            await asyncio.sleep(LEASE.total_seconds() / 3)

    async def _join(self, upload: Upload, parts: Sequence[StoredPart]) -> None:
        if upload.multipart is None:
            return
        there = parts or await self.parts(upload)
        if not there:
            return
        try:
            await self._objects.direct.join(upload.key, upload.multipart.name, there)
        except ObjectMissing:
            return  # it was done before, and only the answer was lost; else the check finds nothing

    async def parts(self, upload: Upload) -> Sequence[StoredPart]:
        """What the store has of the parts; nothing for one piece, and once they were put together."""
        if upload.multipart is None:
            return ()
        try:
            return await self._objects.direct.parts(upload.key, upload.multipart.name)
        except ObjectMissing:
            return ()

    async def _keep(self, asset: Asset, upload: Upload, holder: str) -> Asset:
        """Staged, then decided by the upload's own compare-and-set, then committed: see `Sweeper`."""
        await self._stores.assets.stage_once(asset)
        if not await self._stores.uploads.complete(upload, holder):
            raise InvalidState("Somebody else has gone on with this upload.", hint="Ask again.", retry_after_seconds=2)
        await self._stores.assets.commit([asset.id])
        log.info("upload.completed", upload_id=upload.id, asset_id=asset.id, bytes=asset.size_bytes)
        stored = await self._stores.assets.get(asset.account_id, asset.id)
        return stored if stored is not None and stored.state is AssetState.READY else asset


def refusal_again(refusal: Refusal) -> ReelworkError:
    """The error that the bytes were refused with."""
    fault = FieldError(pointer=refusal.pointer, code=refusal.code, detail=refusal.detail)
    hint = "Begin a new upload: POST /v1/uploads."
    return _REFUSALS.get(refusal.error, InvalidInput)(refusal.detail, hint=hint, errors=[fault])


def _refusal(error: ReelworkError) -> Refusal:
    fault = error.errors[0]
    return Refusal(error=type(error).code, pointer=fault.pointer, code=fault.code, detail=fault.detail)
