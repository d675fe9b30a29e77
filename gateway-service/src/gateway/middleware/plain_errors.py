"""Errors that a library below us answers as plain text (413 by the body limit) become problem documents."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import answer, from_status


class PlainErrors:
    """Replaces `text/plain` error answers; everything else passes untouched and unbuffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        replaced = False

        async def translated(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_error(message):
                replaced = True
                request = Request(scope)
                await answer(request, from_status(message["status"], request))(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, translated)


def _is_plain_error(message: Message) -> bool:
    content_type = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] >= 400 and content_type.startswith("text/plain")
