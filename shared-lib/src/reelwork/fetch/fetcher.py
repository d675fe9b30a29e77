"""The one way to fetch an address that somebody gave us."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import httpcore2
import structlog

from reelwork.domain.errors import FetchFailed, FieldError, UploadTooLarge, UrlRefused
from reelwork.fetch.addresses import checked
from reelwork.fetch.allowance import Allowance
from reelwork.fetch.exchange import Answer, Question, asked
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
_GET = Question()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came from where. `content_type` is what the sender says of it: nothing may be decided by it."""

    url: str
    content_type: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Whatever was answered in the end, of any status: `url` is where. `cut`: there was more than was to be kept."""

    url: str
    status: int
    content_type: str | None
    retry_after: str | None
    content: bytes
    cut: bool = False


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
        with _told(field, limit_bytes):
            async with asyncio.timeout(self._rules.seconds), self._answered(url, _GET, MOST_REDIRECTS) as (at, answer):
                return await _received(at, answer, write, limit_bytes)

    async def ask(
        self,
        url: str,
        question: Question = _GET,
        *,
        keep_bytes: int,
        cut: bool = False,
        redirects: int = MOST_REDIRECTS,
        allowance: Allowance | None = None,
        field: str = "#/url",
    ) -> Reply:
        """Ask any question and keep what is answered, errors of the other side among it.

        With `redirects` 0 a redirect is an answer like others. An answer of more than `keep_bytes` raises
        UploadTooLarge, or is `cut` there; one that spends the `allowance` raises it as soon as it does. Raises
        UrlRefused and FetchFailed.
        """
        with _told(field, keep_bytes):
            async with asyncio.timeout(self._rules.seconds), self._answered(url, question, redirects) as (at, answer):
                content = await _kept(answer, keep_bytes, cut=cut, allowance=allowance)
                return Reply(
                    url=at.url,
                    status=answer.status,
                    content_type=_content_type(answer),
                    retry_after=answer.header("retry-after"),
                    content=content[:keep_bytes],
                    cut=len(content) > keep_bytes,
                )

    async def check(self, url: str, *, field: str = "#/url") -> None:
        """Raise UrlRefused, or FetchFailed where its name cannot be looked up, if this address would not be asked."""
        with _told(field, 0):
            await self._addresses(Target.parse(url, self._rules))

    @asynccontextmanager
    async def _answered(self, url: str, question: Question, redirects: int) -> AsyncIterator[tuple[Target, Answer]]:
        """The answer behind at most so many redirects, and where it was given."""
        target = Target.parse(url, self._rules)
        for _ in range(1 + redirects):
            addresses = await self._addresses(target)
            async with asked(
                target, addresses, self._rules, network=self._network, tls=self._tls, question=question
            ) as answer:
                location = answer.header("location")
                if answer.status not in _REDIRECTS or location is None or not redirects:
                    yield target, answer
                    return
            target = target.moved(location, self._rules)
        raise _failed(f"It redirects more than {redirects} times.")

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


@contextmanager
def _told(field: str, limit_bytes: int) -> Iterator[None]:
    """What goes wrong, in the words for whoever gave the address."""
    try:
        yield
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


async def _kept(answer: Answer, keep_bytes: int, *, cut: bool, allowance: Allowance | None) -> bytes:
    """Its bytes, and of those beyond the limit no more than tell that there are some. Raises TooMuch."""
    if (answer.header("content-encoding") or "identity").lower() != "identity":
        raise _failed("It sends compressed content that was not asked for.")
    content = bytearray()
    async for chunk in answer.body():
        if allowance is not None:
            allowance.spend(len(chunk))
        content += chunk
        if len(content) > keep_bytes:
            if not cut:
                raise TooMuch
            break
    return bytes(content)


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
    return Fetched(url=target.url, content_type=_content_type(answer), size_bytes=size)


def _content_type(answer: Answer) -> str | None:
    said = answer.header("content-type")
    return said[:_LONGEST_TYPE] if said else None


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
