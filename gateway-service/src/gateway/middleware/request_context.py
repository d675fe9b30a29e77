"""A request id on every request, in every log line of it and in every answer; from where it came, and how long the
answer took."""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.addresses import STATE, TrustedProxies
from reelwork.domain.ids import new_request_id
from reelwork.domain.remote import told_path
from reelwork.tracing import note

log = structlog.get_logger(__name__)

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,100}")


class RequestContext:
    """Takes `X-Request-ID` if it is harmless, else makes one; adds `Server-Timing`.

    Finds out the caller's address, for `gateway.addresses.client_address`.
    """

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        received = Headers(scope=scope)
        asked = received.get("x-request-id", "")
        request_id = asked if _ACCEPTABLE.fullmatch(asked) else new_request_id()
        peer = scope["client"][0] if scope.get("client") else None
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        note(request_id=request_id)
        state[STATE] = self._proxies.client(peer, received.getlist("x-forwarded-for"))

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["Server-Timing"] = f"total;dur={(time.perf_counter() - begun) * 1000:.1f}"
                log.debug(
                    "request.answered", path=told_path(scope["path"]), method=scope["method"], status=message["status"]
                )
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, stamped)
