"""Pages of other origins: none may read our answers, but those that the settings name (Fetch standard, CORS)."""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
TAKEN = (
    "Accept, Authorization, Cancel-After, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "Prefer, Range, traceparent, X-API-Key, X-Request-ID"
)
SHOWN = (
    "Accept-Ranges, Content-Disposition, Content-Range, Deprecation, ETag, Idempotency-Replayed, Link, Location, "
    "Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Sunset, X-RateLimit-Cost, "
    "X-RateLimit-Limit, X-RateLimit-Policy, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-Window, "
    "X-Request-ID, X-Retry-After"
)
_PREFLIGHT_SECONDS = 600


class Cors:
    """Answers preflights of the named origins; without any it does nothing, so browsers keep everybody else out.

    Credentials are never allowed: a key is sent as a header, by a page that has it, and there are no cookies.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        named = headers.getlist("origin")
        origin = named[0] if len(named) == 1 and named[0] in self._origins else None

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if origin is not None:
                    answer["Access-Control-Allow-Origin"] = origin
                    answer["Access-Control-Expose-Headers"] = SHOWN
            await send(message)

        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        app = _allowed if preflight and origin is not None else self._app
        await app(scope, receive, told)


_allowed = Response(
    status_code=204,
    headers={
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": TAKEN,
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
    },
)
