"""One connection: uvicorn's, which here nobody can hold without using it, nor make hold more than it should.

uvicorn waits for ever for a head or a body, and keeps headers of any number and size. llhttp below it refuses whatever
could be read in two ways (two lengths, a length beside chunks, bare line feeds); what it lets through is refused here.
"""

import asyncio
import json
import re
from asyncio import TimerHandle
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import httptools
import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.problems import MEDIA_TYPE, document
from reelwork.domain.errors import HeadersTooLarge, InvalidRequest, ReelworkError, Unavailable
from reelwork.domain.ids import new_request_id

log = structlog.get_logger(__name__)

HEAD_BYTES = 64 * 1024
HEAD_FIELDS = 100
# A body may pause, but over `silence_seconds` it has to come as fast as this.
BODY_BYTES_PER_SECOND = 1000
# What is still read, and dropped, of a request that has its answer. Many clients look for an answer only when all is
# sent: whoever sends an upload that is too large, or with a wrong key, is to be told so, and not to find us gone.
LEFTOVER_BYTES = 64 * 1024 * 1024
LEFTOVER_SECONDS = 30.0
# The same for what is not HTTP to us.
REFUSED_SECONDS = 2.0

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a client may take: connections in all, seconds for a head, of silence in a body, and between requests.

    `unread_seconds`: how long it may leave an answer lying; browsers do so with a film that is paused.
    """

    connections: int
    head_seconds: float
    silence_seconds: float
    keep_alive_seconds: int
    unread_seconds: float = 75.0


class _Phase(Enum):
    """What of a request is to come next."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class GuardedConnection(HttpToolsProtocol):
    """Cuts off who is too slow, refuses heads that are too large or name no host, and counts connections.

    `config` carries `bounds` (see `gateway.serving`).
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # uvicorn's type
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds: Bounds = config.bounds  # type: ignore[attr-defined]  # ours has them
        self._phase = _Phase.NOTHING
        self._received = 0
        self._head_bytes = 0
        self._leftover: int | None = None  # bytes that may still come of what is answered
        self._refusal: ReelworkError | None = None
        self._hung_up = self._upgraded = False
        self._timer: TimerHandle | None = None
        self._unread: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self.transport.write(self._answer(Unavailable("Too many connections are open.", retry_after_seconds=2)))
            self._hung_up = True
            self.transport.close()
        else:
            self._after(self._bounds.head_seconds, self._cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._hung_up or self._is_flooded(len(data)):
            return
        if self._phase is _Phase.NOTHING and self._timer is None:
            self._after(self._bounds.head_seconds, self._cut_off)
        self._received += len(data)
        super().data_received(data)
        self._judge(len(data))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase, self._head_bytes = _Phase.HEAD, 0
        if self._timer is None:  # the second request of what came together
            self._after(self._bounds.head_seconds, self._cut_off)

    def on_headers_complete(self) -> None:
        self._refusal = self._fault_of_head()
        if self._refusal is not None:
            raise self._refusal  # the parser stops; what it then tells uvicorn comes back as `send_400_response`
        self._stop_timer()
        self._phase = _Phase.BODY
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a WebSocket's: a `GuardedSocket`, whose pings find out who has gone."""
        self._upgraded = True
        self._stop_timer()
        super().handle_websocket_upgrade()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._stop_timer()
        self._phase, self._leftover = _Phase.NOTHING, None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase is _Phase.BODY and self.cycle.response_complete:  # answered before all of it was read
            self._leftover = LEFTOVER_BYTES
            self._after(LEFTOVER_SECONDS, self.transport.close)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's signature)
        self._refuse(self._refusal or InvalidRequest("This is not HTTP/1.1.", hint="Send it as RFC 9112 says."))

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._bounds.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _judge(self, received: int) -> None:
        """What is still missing of the request, after so many more bytes."""
        if self._hung_up or self._upgraded or self.transport.is_closing():
            return
        if self._phase is _Phase.HEAD:
            self._head_bytes += received
            if self._head_bytes > HEAD_BYTES:
                self._refuse(_too_large())
        elif self._phase is _Phase.BODY and self._timer is None:
            self._watch_body()

    def _fault_of_head(self) -> ReelworkError | None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEAD_FIELDS:
            return _too_large()
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and version != "1.0") or not all(map(_HOST.fullmatch, hosts)):
            return InvalidRequest("The request does not name one host.", hint="Send one Host header.")
        if not self.url.startswith(b"/") and self.url != b"*" and not _is_at(self.url, hosts):
            return InvalidRequest("Address and Host name different hosts.", hint="Send the path alone as the address.")
        if version == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            return InvalidRequest("There are no chunks in HTTP/1.0.", hint="Send a Content-Length, or HTTP/1.1.")
        return None

    def _is_flooded(self, received: int) -> bool:
        """Whether more comes of a request that has its answer than anybody is going to read."""
        if self._leftover is None:
            return False
        self._leftover -= received
        if self._leftover < 0:
            self._hung_up = True
            self.transport.close()
        return self._hung_up

    def _watch_body(self) -> None:
        before = self._received

        def look() -> None:
            enough = BODY_BYTES_PER_SECOND * self._bounds.silence_seconds
            if self.flow.read_paused or self._received - before >= enough:  # or we ourselves are the slow ones
                self._watch_body()
            else:
                self._cut_off()

        self._after(self._bounds.silence_seconds, look)

    def _cut_off(self) -> None:
        log.info("connection.cut_off", phase=self._phase.name.lower(), received=self._received)
        self.transport.close()

    def _refuse(self, error: ReelworkError) -> None:
        """Answer and hang up; an answer that is under way goes out first, and is the last one."""
        self._hung_up = True
        log.info("connection.refused", code=error.code, reason=error.detail)
        if self._is_answering():
            self.cycle.keep_alive = False
            return
        self.transport.write(self._answer(error))
        if self.transport.can_write_eof():
            # To close at once could take the answer away from somebody who is still sending.
            self.transport.write_eof()
            self._after(REFUSED_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _is_answering(self) -> bool:
        """Whether an answer is owed to a request that came whole, or has begun."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is None or cycle.response_complete:
            return False
        return cycle.response_started or not cycle.more_body

    def _answer(self, error: ReelworkError) -> bytes:
        request_id = new_request_id()
        body = json.dumps(document(error, instance="", request_id=request_id)).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return STATUS_LINE[error.status] + lines + b"\r\n" + body

    def _after(self, seconds: float, then: Callable[[], object]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_at(url: bytes, hosts: list[bytes]) -> bool:
    """Whether an absolute address is at the host that the request names."""
    parsed = httptools.parse_url(url)
    name = (parsed.host or b"").lower()
    literal = b"[" + name + b"]" if b":" in name else name
    port = f":{parsed.port}".encode() if parsed.port else b""
    return literal + port in {host.lower() for host in hosts}


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"Address and headers have more than {HEAD_BYTES // 1024} KiB or {HEAD_FIELDS} fields.", hint="Send fewer."
    )
