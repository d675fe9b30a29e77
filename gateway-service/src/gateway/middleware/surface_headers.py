"""Answers at the addresses of replaced systems say that these are deprecated; see `gateway.surfaces`."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.surfaces import Surfaces


class SurfaceHeaders:
    """Adds the headers to whatever was answered there, errors and streams as well."""

    def __init__(self, app: ASGIApp, surfaces: Surfaces) -> None:
        self._app = app
        self._surfaces = surfaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._surfaces.headers(scope, seconds=time.perf_counter() - begun)
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, marked)
