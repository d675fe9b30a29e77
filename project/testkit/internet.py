"""An internet of the test's own: names mean what the test says, and every connection ends at one local site.

    fetcher = Fetcher(rules, resolve=Names({"news.example.com": [[PUBLIC]]}), network=Wire(site))

So the guard has public addresses to judge, and whatever it lets through is answered here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import httpcore2


class Listening(Protocol):
    """A site or whatever else listens on this machine."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class Wire(httpcore2.AsyncNetworkBackend):
    """Notes where a connection was wanted and how much came of it, and leads all of them to a site of the test."""

    def __init__(self, site: Listening) -> None:
        self.dialled: list[str] = []
        self.received_bytes = 0  # that were taken from all connections together, headers among them
        self._site = site
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002  (the site has one of its own)
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(host)
        return _Counted(await self._network.connect_tcp(self._site.host, self._site.port, timeout), self)


class _Counted(httpcore2.AsyncNetworkStream):
    """A connection of a wire, which hears of every byte."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, wire: Wire) -> None:
        self._stream = stream
        self._wire = wire

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._wire.received_bytes += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return await self._stream.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Names:
    """A name server of the test: each question takes the next answer; the last one stays."""

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.asked: list[str] = []
        self._answers = {name: list(given) for name, given in answers.items()}

    async def __call__(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002
        self.asked.append(host)
        given = self._answers[host]
        return given.pop(0) if len(given) > 1 else given[0]
