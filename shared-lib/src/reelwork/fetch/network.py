"""Connections to addresses that were checked, and to nothing else, whatever a name may mean a moment later."""

import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

import anyio.to_thread
import httpcore2

from reelwork.fetch.rules import MOST_HEADER_BYTES, Address

# The addresses of a name and a port, as texts; empty or OSError when there are none.
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


async def system_resolver(host: str, port: int) -> list[str]:
    """What the machine's resolver says. A lookup that is given up ends in its thread by the resolver's own limits."""
    found = await anyio.to_thread.run_sync(
        socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM, abandon_on_cancel=True
    )
    return [str(address[0]) for *_, address in found]


class HeadersTooLong(Exception):
    """An answer that does not come to its body."""


class CountedStream(httpcore2.AsyncNetworkStream):
    """A connection that ends an answer whose headers have no end; `body_begins` lifts the limit."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left: int | None = MOST_HEADER_BYTES

    def body_begins(self) -> None:
        self._left = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._left is None:
            return await self._stream.read(max_bytes, timeout)
        if self._left <= 0:
            raise HeadersTooLong
        data = await self._stream.read(min(max_bytes, self._left), timeout)
        self._left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "CountedStream":
        return CountedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # of whatever kind the library asks for
        return self._stream.get_extra_info(info)


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to the given addresses, one after the other; the name is for TLS and Host only."""

    def __init__(self, addresses: Sequence[Address], network: httpcore2.AsyncNetworkBackend) -> None:
        self._addresses = addresses
        self._network = network

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002  (this is the point: it was looked up and checked before)
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> CountedStream:
        failed: Exception = httpcore2.ConnectError("the name has no address")
        for address in self._addresses:
            try:
                return CountedStream(
                    await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed
