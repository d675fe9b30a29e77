"""One question and its answer over one connection of its own: no pool, no proxy, no cookies, nothing decoded."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpcore2

from reelwork.fetch.network import CountedStream, PinnedBackend
from reelwork.fetch.rules import Address, FetchRules
from reelwork.fetch.target import Target

USER_AGENT = "Reelwork-Fetch/1"


class Answer:
    """Status and headers; the body comes in pieces as the sender sent them."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str | None:
        """The first header of this name, in lower case; bytes beyond ASCII become question marks."""
        wanted = name.encode()
        found = (value for header, value in self._response.headers if header.lower() == wanted)
        value = next(found, None)
        return value.decode("ascii", "replace").strip() if value is not None else None

    def body(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()


@asynccontextmanager
async def asked(
    target: Target,
    addresses: Sequence[Address],
    rules: FetchRules,
    *,
    network: httpcore2.AsyncNetworkBackend,
    tls: ssl.SSLContext,
) -> AsyncIterator[Answer]:
    """The answer of a target at one of these addresses. Raises httpcore2's errors and HeadersTooLong."""
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=tls, max_connections=1, network_backend=PinnedBackend(addresses, network)
    )
    headers = [
        ("Host", target.authority),
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    timeouts = {
        "connect": rules.connect_seconds,
        "read": rules.quiet_seconds,
        "write": rules.quiet_seconds,
        "pool": rules.connect_seconds,
    }
    url = httpcore2.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.resource.encode()
    )
    async with pool, pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as response:
        stream = response.extensions["network_stream"]
        if isinstance(stream, CountedStream):
            stream.body_begins()
        yield Answer(response)
