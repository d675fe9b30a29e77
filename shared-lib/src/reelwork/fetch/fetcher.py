"""The one way to fetch an address that somebody gave us."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import httpcore2
import structlog

from reelwork.domain.errors import FetchFailed, FieldError, UploadTooLarge, UrlRefused
from reelwork.fetch.addresses import checked
from reelwork.fetch.exchange import Answer, asked
from reelwork.fetch.network import HeadersTooLong, Resolve, system_resolver
from reelwork.fetch.refusal import Refused, TooMuch, not_public
from reelwork.fetch.rules import MOST_REDIRECTS, Address, FetchRules
from reelwork.fetch.target import Target

log = structlog.get_logger(__name__)

Write: TypeAlias = Callable[[bytes], Awaitable[None]]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_ADDRESSES = 4
_UNKNOWN_NAMES = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_LONGEST_TYPE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came from where. `content_type` is what the sender says of it: nothing may be decided by it."""

    url: str
    content_type: str | None
    size_bytes: int


class Fetcher:
    """Fetches web addresses within the rules; safe to use from many tasks of one loop at once.

    Each address is read once, its name looked up once, every address of the name checked, and the connection made to
    what was checked; a redirect begins that anew. Proxies of the environment, cookies and credentials are not used,
    and nothing is decompressed. `resolve`, `network` and `tls` stand in for the machine's own.
    """

    def __init__(
        self,
        rules: FetchRules,
        *,
        resolve: Resolve = system_resolver,
        network: httpcore2.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._network = network or httpcore2.AnyIOBackend()
        self._tls = tls or httpcore2.default_ssl_context()

    async def fetch(self, url: str, write: Write, *, limit_bytes: int, field: str = "#/url") -> Fetched:
        """Hand the bytes at `url` to `write` as they come. `field` is where the caller put the address.

        Raises UrlRefused, FetchFailed, UploadTooLarge (more than `limit_bytes`), and what `write` raises; some bytes
        may have been written by then.
        """
        try:
            async with asyncio.timeout(self._rules.seconds):
                return await self._follow(url, write, limit_bytes)
        except Refused as refused:
            log.info("fetch.refused", reason=refused.code)
            detail = f"This address is not fetched. {refused.cure}"
            error = FieldError(pointer=field, code=refused.code, detail=refused.cure)
            raise UrlRefused(detail, hint="Send an address that anybody can open.", errors=[error]) from refused
        except TooMuch as error:
            raise _too_large(limit_bytes, field) from error
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise _failed("It did not answer in time.") from error
        except HeadersTooLong as error:
            raise _failed("The headers of its answer are too long.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _failed(_reason(error)) from error

    async def _follow(self, url: str, write: Write, limit_bytes: int) -> Fetched:
        target = Target.parse(url, self._rules)
        for _ in range(1 + MOST_REDIRECTS):
            addresses = await self._addresses(target)
            async with asked(target, addresses, self._rules, network=self._network, tls=self._tls) as answer:
                location = answer.header("location")
                if answer.status not in _REDIRECTS or location is None:
                    return await _received(target, answer, write, limit_bytes)
            target = target.moved(location, self._rules)
        raise _failed(f"It redirects more than {MOST_REDIRECTS} times.")

    async def _addresses(self, target: Target) -> Sequence[Address]:
        if target.literal is not None:
            return checked([str(target.literal)], self._rules.allow)
        try:
            async with asyncio.timeout(self._rules.lookup_seconds):
                found = await self._resolve(target.host, target.port)
        except socket.gaierror as error:
            if error.errno in _UNKNOWN_NAMES:
                raise not_public() from error
            raise _failed("Its name cannot be looked up at the moment.") from error
        if not found:
            raise not_public()
        return checked(found, self._rules.allow)[:_MOST_ADDRESSES]


async def _received(target: Target, answer: Answer, write: Write, limit_bytes: int) -> Fetched:
    if answer.status != 200:
        raise _failed(f"It answered {answer.status}.")
    if (answer.header("content-encoding") or "identity").lower() != "identity":
        raise _failed("It sends compressed content that was not asked for.")
    length = answer.header("content-length")
    if length is not None and length.isdecimal() and int(length) > limit_bytes:
        raise TooMuch
    size = 0
    async for chunk in answer.body():
        size += len(chunk)
        if size > limit_bytes:
            raise TooMuch
        await write(chunk)
    content_type = answer.header("content-type")
    return Fetched(url=target.url, content_type=content_type[:_LONGEST_TYPE] if content_type else None, size_bytes=size)


def _failed(reason: str) -> FetchFailed:
    return FetchFailed(f"The address could not be fetched. {reason}", hint="Try it in a browser, then try again.")


def _too_large(limit_bytes: int, field: str) -> UploadTooLarge:
    cure = f"At most {limit_bytes:,} bytes are fetched."
    error = FieldError(pointer=field, code="too_large", detail=cure)
    return UploadTooLarge(f"What is there is too large. {cure}", errors=[error])


def _reason(error: Exception) -> str:
    if not isinstance(error, httpcore2.ConnectError):
        return "Its answer broke off, or is not HTTP."
    cause: BaseException | None = error
    while cause is not None:  # each library below wraps what the one below it raised
        if isinstance(cause, ssl.SSLError):
            return "No trusted TLS connection can be made to it."
        cause = cause.__cause__ or cause.__context__
    return "No connection can be made to it."
