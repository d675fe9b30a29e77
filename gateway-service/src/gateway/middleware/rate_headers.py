"""Where an account stands with its rate, on every answer to it: also on refusals, and on answers that routes make
themselves."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.headers import METER, rate_headers


class RateHeaders:
    """Adds the headers to answers of requests that were counted; see `gateway.deps.May`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            meter = scope.get("state", {}).get(METER)
            if message["type"] == "http.response.start" and meter is not None and meter.standing is not None:
                headers = rate_headers(meter.standing, charged=meter.charged, now=time.time())
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, told)
