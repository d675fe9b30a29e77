"""A ZIP that is sent while it is made: nothing of it is kept but one piece, and one line for each file.

Python's own `zipfile` writes to what cannot be rewound, with sizes behind the data and ZIP64 where it is needed; films
and pictures are stored as they are, since they are compressed already.
"""

import asyncio
import zipfile
from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime


class _Sink:
    """Takes what the archive writes, until it is fetched. Cannot be rewound."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, piece: bytes | bytearray | memoryview) -> int:
        self._written += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing lies in between."""

    def close(self) -> None:
        """There is nothing to close."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class ZipStream:
    """Files one after the other, then the `end`. Without it no reader takes the archive for whole."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)

    async def file(
        self, name: str, content: AsyncIterable[bytes], *, size_bytes: int, at: datetime
    ) -> AsyncIterator[bytes]:
        """A file of this very size, in pieces as they come. Raises ValueError if there were fewer or more bytes."""
        entry = zipfile.ZipInfo(name, date_time=(max(1980, at.year), *at.timetuple()[1:6]))
        entry.file_size, entry.external_attr = size_bytes, 0o644 << 16
        with self._zip.open(entry, "w") as file:
            async for piece in content:
                file.write(piece)
                yield self._sink.take()
        if entry.file_size != size_bytes:
            raise ValueError(f"{name} has {entry.file_size} bytes, not {size_bytes}")

    async def text(self, name: str, content: AsyncIterable[bytes], *, at: datetime) -> AsyncIterator[bytes]:
        """A file of any size, which need not be known before; packed, since text shrinks to a tenth."""
        entry = zipfile.ZipInfo(name, date_time=(max(1980, at.year), *at.timetuple()[1:6]))
        entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        with self._zip.open(entry, "w", force_zip64=True) as file:
            async for piece in content:
                await asyncio.to_thread(file.write, piece)
                if packed := self._sink.take():
                    yield packed

    def end(self) -> bytes:
        """The table of contents."""
        self._zip.close()
        return self._sink.take()
