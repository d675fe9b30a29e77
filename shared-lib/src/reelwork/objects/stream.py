"""A range of an object on its way through: never more than one chunk of it is in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

CHUNK_BYTES = 256 * 1024  # large enough that the hop through a thread costs little, small enough for a thousand streams


class Body(Protocol):
    """What is read from: a blocking file-like answer of the store."""

    def read(self, amt: int | None = None) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which bytes a stream carries: `length` from `start` on, out of `size_bytes` of the whole object."""

    start: int
    length: int
    size_bytes: int
    content_type: str


class ObjectStream:
    """Chunks of at most 256 KiB. Holds a connection: use it as a context manager, or read it to its end.

    Raises `ObjectStoreDown` from the iteration when the store breaks off.
    """

    def __init__(self, extent: Extent, body: Body, read: Callable[[Body], Awaitable[bytes]]) -> None:
        self.extent = extent
        self._body = body
        self._read = read

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._read(self._body)
        except BaseException:  # cancellation too: a half-read connection is of no use to anyone
            await self.aclose()
            raise
        if not chunk:
            await self.aclose()
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Give the connection back; may be called more than once."""
        self._body.close()
