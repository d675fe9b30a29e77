"""One question and its answer over one connection of its own: no pool, no proxy, no cookies, nothing decoded."""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore2

from reelwork.fetch.network import CountedStream, PinnedBackend
from reelwork.fetch.rules import Address, FetchRules
from reelwork.fetch.target import Target

USER_AGENT = "Reelwork-Fetch/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `headers` come beside, or instead of, those that every question has; `content` is sent whole."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    def fields(self, authority: str) -> list[tuple[str, str]]:
        """All headers, for a host. The caller's never say whom the question is for, nor how the bytes travel."""
        length = {"Content-Length": str(len(self.content))} if self.content or self.method == "POST" else {}
        ours = {"Host": authority, "Accept-Encoding": "identity", "Connection": "close"} | length
        taken = {name.lower() for name in ours}
        theirs = {name: value for name, value in self.headers.items() if name.lower() not in taken}
        named = {name.lower() for name in theirs}
        usual = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        return [
            *((ours | {name: value for name, value in usual.items() if name.lower() not in named}) | theirs).items()
        ]


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
    question: Question,
) -> AsyncIterator[Answer]:
    """The answer of a target at one of these addresses. Raises httpcore2's errors and HeadersTooLong."""
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=tls, max_connections=1, network_backend=PinnedBackend(addresses, network)
    )
    headers = question.fields(target.authority)
    timeouts = {
        "connect": rules.connect_seconds,
        "read": rules.quiet_seconds,
        "write": rules.quiet_seconds,
        "pool": rules.connect_seconds,
    }
    url = httpcore2.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.resource.encode()
    )
    asking = pool.stream(
        question.method, url, headers=headers, content=question.content or None, extensions={"timeout": timeouts}
    )
    async with pool, asking as response:
        stream = response.extensions["network_stream"]
        if isinstance(stream, CountedStream):
            stream.body_begins()
        yield Answer(response)
