"""An internet of the test's own: names mean what the test says, and every connection ends at one local site.

    fetcher = Fetcher(rules, resolve=Names({"news.example.com": [[PUBLIC]]}), network=Wire(site))

So the guard has public addresses to judge, and whatever it lets through is answered here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import httpcore2


class Listening(Protocol):
    """A site or whatever else listens on this machine."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class Wire(httpcore2.AsyncNetworkBackend):
    """Notes where a connection was wanted, and leads all of them to a site of the test."""

    def __init__(self, site: Listening) -> None:
        self.dialled: list[str] = []
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
        return await self._network.connect_tcp(self._site.host, self._site.port, timeout)


class Names:
    """A name server of the test: each question takes the next answer; the last one stays."""

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.asked: list[str] = []
        self._answers = {name: list(given) for name, given in answers.items()}

    async def __call__(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002
        self.asked.append(host)
        given = self._answers[host]
        return given.pop(0) if len(given) > 1 else given[0]
