"""Asking a provider that the operator chose: JSON over HTTP, with our key, at an address from the configuration.

Not for addresses that callers name: those are fetched by `Fetcher`. No redirect is followed (our key would travel with
it), no proxy of the environment used, no cookie kept; every exchange has a deadline, every answer a limit.
"""

import functools
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import httpx2 as httpx
import structlog
from pydantic_core import from_json

from reelwork.fetch.retry_after import asked_wait
from reelwork.generator.errors import (
    ContentRejected,
    GenerationError,
    InsufficientCredit,
    InvalidInput,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    SubmissionUnknown,
)

log = structlog.get_logger(__name__)

Json: TypeAlias = Any  # whatever a provider says; the adapter reads it as its contract has it

# What a provider may make us wait for at most.
LONGEST_WAIT_SECONDS = 600.0
LONGEST_MESSAGE = 500
# After these nobody can tell whether the question reached the provider itself (RFC 9110, 15.5.9, 15.6.3, 15.6.5).
_IN_BETWEEN = frozenset({408, 502, 504})
_MEANINGS: dict[int, type[GenerationError]] = {
    **dict.fromkeys((400, 405, 406, 409, 411, 413, 414, 415, 422), InvalidInput),
    **dict.fromkeys((401, 403, 404, 410), ProviderRefused),
    402: InsufficientCredit,
    451: ContentRejected,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A provider's answer: 2xx, or any other for an `Explain`. `headers` by names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Json:
        """Raises ValueError."""
        return from_json(self.body, allow_inf_nan=False)


# What a refusal means, where the provider says more than its status; None leaves it to the status. Asked first.
Explain: TypeAlias = Callable[[Reply], GenerationError | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderApi:
    """One provider, as one model asks it; holds no connection. `name` is what people read in messages.

    `address` without a slash at its end. `seconds` bounds one whole exchange.
    """

    name: str
    address: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 30.0
    limit_bytes: int = 4 * 1024 * 1024
    explain: Explain | None = None

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Json:
        """What is there. Raises GenerationError."""
        return self.ask("GET", path, params=params)

    def post(self, path: str, json: Json = None, *, headers: Mapping[str, str] | None = None) -> Json:
        """The answer to a question that costs nothing when it is asked twice. Raises GenerationError."""
        return self.ask("POST", path, json=json, headers=headers)

    def begin(self, path: str, json: Json = None, **options: Any) -> Json:
        """The answer to what may cost money: raises SubmissionUnknown where nobody can tell whether it arrived, and
        other GenerationErrors where it certainly began nothing. `options` as in `ask`."""
        return self.ask("POST", path, json=json, begins=True, **options)

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        files: Any = None,  # as httpx2 has them: name to (file name, file or bytes, media type)
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        begins: bool = False,
    ) -> Json:
        """The answer as JSON, None for an empty one. `path` from the address on, or a whole URL below it.

        Raises GenerationError: see `begin` for `begins`.
        """
        request = httpx.Request(
            method,
            self._url(path),
            params=params,
            json=json,
            data=data,
            files=files,
            content=content,
            headers={"Accept": "application/json", **self.headers, **(headers or {})},
        )
        reply = self._exchange(request, begins=begins)
        if not 200 <= reply.status < 300:
            raise self._refusal(reply, begins=begins)
        try:
            return reply.json() if reply.body.strip() else None
        except ValueError as error:
            raise self._unclear("It answered with something that is not JSON.", begins=begins) from error

    def _url(self, path: str) -> str:
        """Raises ProviderUnavailable for a URL elsewhere: our key goes to the provider's own address alone."""
        if path.startswith("/"):
            return self.address + path
        if not path.startswith(f"{self.address}/"):
            raise ProviderUnavailable(f"{self.name} sends us to another address, where our key does not go.")
        return path

    def _exchange(self, request: httpx.Request, *, begins: bool) -> Reply:
        deadline = time.monotonic() + self.seconds
        try:
            with httpx.Client(
                timeout=self.seconds, verify=_authorities(), trust_env=False, follow_redirects=False
            ) as client:
                response = client.send(request, stream=True)
                try:
                    body = self._read(response, deadline, begins=begins)
                finally:
                    response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ProviderUnavailable(f"{self.name} cannot be reached.") from error
        except httpx.HTTPError as error:
            raise self._unclear("It did not answer, or its answer broke off.", begins=begins) from error
        return Reply(status=response.status_code, headers=_lower(response.headers), body=body)

    def _read(self, response: httpx.Response, deadline: float, *, begins: bool) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self.limit_bytes:
                raise self._unclear(f"Its answer is longer than {self.limit_bytes:,} bytes.", begins=begins)
            if time.monotonic() > deadline:
                raise self._unclear("Its answer did not end in time.", begins=begins)
        return bytes(body)

    def _refusal(self, reply: Reply, *, begins: bool) -> GenerationError:
        known = self.explain(reply) if self.explain is not None else None
        if known is not None:
            return known
        said = f"{self.name} answered {reply.status}: {said_in(reply)}"
        if reply.status == 429:
            return RateLimited(said, retry_after=retry_after(reply.headers))
        if reply.status in _IN_BETWEEN:
            return self._unclear(f"It answered {reply.status}.", begins=begins)
        meaning = _MEANINGS.get(reply.status)
        return meaning(said) if meaning else ProviderUnavailable(said, retry_after=retry_after(reply.headers))

    def _unclear(self, what: str, *, begins: bool) -> GenerationError:
        if begins:
            return SubmissionUnknown(f"It is not known whether {self.name} took the job. {what}")
        return ProviderUnavailable(f"{self.name} cannot be asked at the moment. {what}")


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whom we trust to know a provider. Read once in a process: that takes 40 ms, more than all else of an exchange."""
    return httpx.create_ssl_context(trust_env=False)


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float:
    """The wait in seconds that a provider asks for, within bounds; 0.0 where it asks for none."""
    wait = asked_wait(headers.get("retry-after"), now=now)
    return min(wait.total_seconds(), LONGEST_WAIT_SECONDS) if wait is not None else 0.0


def said_in(reply: Reply) -> str:
    """What the provider says for people, in one of the usual places of a JSON answer, cut; never its HTML."""
    try:
        said = reply.json()
    except ValueError:
        return "no reason was given"
    for name in ("error", "detail", "message", "title"):
        found = said.get(name) if isinstance(said, dict) else None
        if isinstance(found, dict):
            found = found.get("message") or found.get("detail")
        if isinstance(found, str) and found.strip():
            return found.strip()[:LONGEST_MESSAGE]
    return "no reason was given"


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
