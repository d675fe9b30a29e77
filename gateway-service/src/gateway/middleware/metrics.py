"""Counts answers and measures how long they took, by the template of the address: `/v1/jobs/{job_id}`."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reelwork.metrics import REQUEST_SECONDS, REQUESTS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# What no route of ours answered: unknown addresses, the page's files.
UNMATCHED = "unmatched"


class Metrics:
    """One count for each answer that begins. What callers make up has one name for all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "other"

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = _template(scope)
                REQUESTS.labels(method, route, str(message["status"])).inc()
                REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, measured)


def _template(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return str(path) if path else UNMATCHED
