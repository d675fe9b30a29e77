"""A failure that nobody foresaw is answered inside of all other middleware: with the headers that all answers have."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import unexpected


class LastResort:
    """Answers 500 in place of an exception, unless the answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # whatever it is: `unexpected` logs it with its traceback
            if begun:
                raise  # the server cuts the connection, so that nobody takes a part for the whole
            await (await unexpected(Request(scope), error))(scope, receive, send)
