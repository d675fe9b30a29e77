"""HEAD is GET without the content (RFC 9110 section 9.3.2): one rule for every address, instead of a route each."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.headers import HEAD_ONLY


class HeadAsGet:
    """Asks the app by GET, passes the head of the answer on, and tells the app that the client is gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = False

        async def head_only(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                await send(message)
            elif not answered:
                answered = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app({**scope, "method": "GET", HEAD_ONLY: True}, receive, head_only)
