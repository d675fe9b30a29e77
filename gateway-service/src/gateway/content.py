"""Bytes of an asset through the gateway: streamed, with a single range if asked (RFC 9110 section 14)."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Response
from fastapi.responses import StreamingResponse

from gateway.browser_policy import CONTENT_POLICY, is_shown_in_place
from gateway.services.assets import AssetService
from reelwork.domain.asset import Asset
from reelwork.domain.errors import RangeNotSatisfiable
from reelwork.objects.disposition import Disposition, content_disposition
from reelwork.objects.stream import ObjectStream

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bytes `start` to `end`, both included."""

    start: int
    end: int


def parse_range(header: str | None, size: int) -> Wanted | None:
    """The wanted part, or None for all of it: absent, malformed and multiple ranges may be ignored.

    Raises RangeNotSatisfiable.
    """
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        wanted = Wanted(max(0, size - int(last)), size - 1)
    else:
        wanted = Wanted(int(first), min(int(last), size - 1) if last else size - 1)
        if last and int(last) < int(first):
            return None
    if wanted.start >= size or wanted.start > wanted.end:
        raise RangeNotSatisfiable(size)
    return wanted


def disposition_of(asset: Asset, *, download: bool = False) -> Disposition:
    """In place what cannot carry a script, and only if it is not to be saved."""
    return "attachment" if download or not is_shown_in_place(asset.content_type) else "inline"


async def content_response(
    assets: AssetService, asset: Asset, *, range_header: str | None, disposition: Disposition
) -> Response:
    """200 with everything, 206 with a part. Raises RangeNotSatisfiable, ObjectMissing, ObjectStoreDown."""
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition(disposition, asset.filename),
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": CONTENT_POLICY,
        "ETag": f'"{asset.sha256}"',
    }
    wanted = parse_range(range_header, asset.size_bytes)
    if wanted is None:
        stream = await assets.open(asset)
        headers["Content-Length"] = str(asset.size_bytes)
        return StreamingResponse(_chunks(stream), media_type=asset.content_type, headers=headers)
    stream = await assets.open(asset, wanted.start, wanted.end)
    headers["Content-Length"] = str(wanted.end - wanted.start + 1)
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.end}/{asset.size_bytes}"
    return StreamingResponse(_chunks(stream), status_code=206, media_type=asset.content_type, headers=headers)


async def _chunks(stream: ObjectStream) -> AsyncIterator[bytes]:
    """The stream's chunks; its connection is given back also when the client goes away half-way."""
    async with stream:
        async for chunk in stream:
            yield chunk


async def download(pieces: AsyncIterator[bytes], *, media_type: str, filename: str) -> StreamingResponse:
    """A file that is made while it is sent. Raises what its first piece does: what cannot even begin is answered as a
    problem; what fails later is cut off."""
    first = await anext(pieces, b"")
    disposition = content_disposition("attachment", filename)
    return StreamingResponse(
        _joined(first, pieces),
        media_type=media_type,
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
    )


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
