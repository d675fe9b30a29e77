"""Taking in files: told by their bytes, really looked through, and stored under a name of our own."""

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread
import structlog

from gateway.problems import size
from gateway.services.inspection import TAKEN, TOLD_BYTES, Shown, Stored, inspected, told
from gateway.services.pictures import refused
from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.errors import (
    IdempotencyInProgress,
    InvalidInput,
    UnsupportedMediaType,
    UploadTooLarge,
)
from reelwork.domain.ids import AccountId, AssetId, new_asset_id
from reelwork.domain.media import extension_for, safe_filename
from reelwork.engine.sweep import Sweeper
from reelwork.objects.s3 import ObjectStore
from reelwork.store.assets import Assets

log = structlog.get_logger(__name__)

CHUNK_BYTES = 256 * 1024
# A decoded picture takes four bytes a pixel, numbers eight bytes each: two at once bound the memory of a gateway.
DECODERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Received:
    content_type: str
    size_bytes: int
    sha256: str
    shown: Shown


class UploadService:
    """Stores uploads whole or not at all."""

    def __init__(
        self, assets: Assets, objects: ObjectStore, sweeper: Sweeper, *, limit_bytes: int, limit_pixels: int
    ) -> None:
        self._assets = assets
        self._objects = objects
        self._sweeper = sweeper
        self._limit_bytes = limit_bytes
        self._limit_pixels = limit_pixels
        self.decoders = anyio.CapacityLimiter(DECODERS)

    async def upload(
        self,
        account: AccountId,
        source: BinaryIO,
        filename: str,
        *,
        asset_id: AssetId | None = None,
        takes: Sequence[str] = TAKEN,
    ) -> Asset:
        """Read `source` to its end and keep it as an input asset, if it is of one of the media types in `takes`.

        Under an `asset_id` that was drawn before, one upload wins: the others get its asset. Raises UploadTooLarge,
        UnsupportedMediaType, InvalidInput (empty, broken, too large), IdempotencyInProgress (the winner is not
        done), ObjectStoreDown, StoreUnavailable. After an error nothing is stored.
        """
        with tempfile.TemporaryDirectory(prefix="reelwork-upload-") as folder:
            path = Path(folder) / "bytes"
            received = await anyio.to_thread.run_sync(self._receive, source, path, takes, limiter=self.decoders)
            asset = _asset(asset_id or new_asset_id(), account, received, filename)
            return await self._keep(asset, path)

    def _receive(self, source: BinaryIO, path: Path, takes: Sequence[str]) -> _Received:
        received, sha256 = self._copy(source, path)
        if received == 0:
            raise refused(InvalidInput, "empty", "The file is empty; send one with something in it.")
        with path.open("rb") as file:
            content_type = told(file.read(TOLD_BYTES))
            if content_type is None or content_type not in takes:
                raise refused(UnsupportedMediaType, "unknown_type", f"Its bytes are none of {', '.join(takes)}.")
            file.seek(0)
            stored = Stored(file=file, read_at=partial(_read_at, file), size_bytes=received)
            shown = inspected(stored, content_type, limit_pixels=self._limit_pixels)
        return _Received(content_type=content_type, size_bytes=received, sha256=sha256, shown=shown)

    def _copy(self, source: BinaryIO, path: Path) -> tuple[int, str]:
        digest, received = hashlib.sha256(), 0
        with path.open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                received += len(chunk)
                if received > self._limit_bytes:
                    raise refused(UploadTooLarge, "too_large", f"At most {size(self._limit_bytes)} by form.")
                digest.update(chunk)
                file.write(chunk)
        return received, digest.hexdigest()

    async def _keep(self, asset: Asset, path: Path) -> Asset:
        if not await self._assets.stage_once(asset):
            return await self._of_the_winner(asset)
        try:
            await self._objects.put_file(asset.key, path, asset.content_type, sha256=asset.sha256)
            await self._assets.commit([asset.id])
        except BaseException:  # also a client that hung up: nothing half-done stays behind
            await asyncio.shield(self._sweeper.discard([asset]))
            raise
        log.info("asset.uploaded", asset_id=asset.id, bytes=asset.size_bytes, content_type=asset.content_type)
        return asset

    async def _of_the_winner(self, asset: Asset) -> Asset:
        """What somebody else stored, or is storing, under the same id."""
        known = await self._assets.get(asset.account_id, asset.id)
        if known is not None and known.state is AssetState.READY:
            return known
        raise IdempotencyInProgress(
            "The first request with this idempotency key is still under way.",
            hint="Send the same request again in a moment: it gets the first one's answer.",
            retry_after_seconds=5,
        )


def _asset(asset_id: AssetId, account: AccountId, received: _Received, filename: str) -> Asset:
    extension = extension_for(received.content_type)
    return Asset(
        id=asset_id,
        account_id=account,
        state=AssetState.STAGED,
        purpose=Purpose.INPUT,
        key=f"accounts/{account}/uploads/{asset_id}{extension}",
        content_type=received.content_type,
        filename=safe_filename(filename, fallback=f"upload{extension}"),
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        created_at=datetime.now(UTC),
        width=received.shown.width,
        height=received.shown.height,
        duration_seconds=received.shown.duration_seconds,
    )


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
