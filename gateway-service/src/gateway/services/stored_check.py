"""Bytes that a client stored itself: read back in threads, a MiB at a time, and held against what was declared."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import anyio

from gateway.services.inspection import TOLD_BYTES, Shown, Stored, inspected, told
from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.errors import FieldError, HashMismatch, InvalidInput, UnsupportedMediaType
from reelwork.domain.upload import Upload
from reelwork.objects.direct import ObjectReader
from reelwork.objects.file import object_file
from reelwork.objects.s3 import ObjectStore

T = TypeVar("T")

# SHA-256 fills a processor: two at once leave the others to requests.
HASHERS = 2


class StoredCheck:
    """Finds out what was really stored. Nothing of it is held, and nothing passes through the event loop."""

    def __init__(self, objects: ObjectStore, *, decoders: anyio.CapacityLimiter, limit_pixels: int) -> None:
        self._objects = objects
        self._decoders = decoders
        self._limit_pixels = limit_pixels
        self._hashers = anyio.CapacityLimiter(HASHERS)

    async def asset_of(self, upload: Upload) -> Asset:
        """The asset, not stored anywhere yet. Raises HashMismatch, InvalidInput, UnsupportedMediaType, all of them
        naming a field of the upload; ObjectMissing, ObjectStoreDown."""
        facts = await self._objects.head(upload.key)
        if facts.size_bytes != upload.size_bytes:
            raise _mismatch("#/bytes", f"{upload.size_bytes} bytes were declared, {facts.size_bytes} are there")
        await self._read(upload, _expect_type, self._decoders)
        await self._read(upload, _expect_digest, self._hashers)
        shown = await self._read(upload, self._inspect, self._decoders)
        return Asset(
            id=upload.asset_id,
            account_id=upload.account_id,
            state=AssetState.STAGED,
            purpose=Purpose.INPUT,
            key=upload.key,
            content_type=upload.content_type,
            filename=upload.filename,
            size_bytes=upload.size_bytes,
            sha256=upload.sha256,
            created_at=datetime.now(UTC),
            width=shown.width,
            height=shown.height,
            duration_seconds=shown.duration_seconds,
        )

    async def _read(self, upload: Upload, work: Callable[[Upload, ObjectReader], T], limit: anyio.CapacityLimiter) -> T:
        return await self._objects.reading(
            upload.key, upload.size_bytes, lambda reader: _of_bytes(work, upload, reader), limit
        )

    def _inspect(self, upload: Upload, reader: ObjectReader) -> Shown:
        with object_file(reader) as file:
            stored = Stored(file=file, read_at=reader.at, size_bytes=upload.size_bytes)
            return inspected(stored, upload.content_type, limit_pixels=self._limit_pixels)


def _of_bytes(work: Callable[[Upload, ObjectReader], T], upload: Upload, reader: ObjectReader) -> T:
    """What it says of the bytes; a store that breaks off under a decoder is not the bytes' fault."""
    try:
        return work(upload, reader)
    except (InvalidInput, UnsupportedMediaType) as error:
        if reader.trouble is not None:
            raise reader.trouble from error
        faults = [replace(fault, pointer="#/content_type") for fault in error.errors]
        raise type(error)(error.detail, hint=error.hint, errors=faults) from error


def _expect_type(upload: Upload, reader: ObjectReader) -> None:
    found = told(reader.at(0, TOLD_BYTES))
    if found != upload.content_type:
        cure = f"It was declared as {upload.content_type}, and its bytes are {found or 'of no kind that is taken'}."
        faults = [FieldError(pointer="", code="other_type", detail=cure)]
        raise UnsupportedMediaType(f"The file is not accepted: {cure}", errors=faults)


def _expect_digest(upload: Upload, reader: ObjectReader) -> None:
    digest = hashlib.sha256()
    for chunk in reader.chunks():
        digest.update(chunk)
    if digest.hexdigest() != upload.sha256:
        raise _mismatch("#/sha256", f"their SHA-256 is {digest.hexdigest()}")


def _mismatch(pointer: str, what: str) -> HashMismatch:
    cure = f"Not what was declared: {what}. Begin a new upload."
    return HashMismatch(cure, errors=[FieldError(pointer=pointer, code="not_as_declared", detail=cure)])
