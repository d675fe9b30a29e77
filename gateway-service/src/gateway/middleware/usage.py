"""Counts the requests that were answered to somebody who was known."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.parts import Gateway


class CountRequests:
    """One for each answer that begins, whatever its status, once the caller's account is in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            account = scope.get("state", {}).get("account_id")
            if message["type"] == "http.response.start" and account is not None:
                gateway: Gateway = scope["app"].state.gateway
                gateway.meter.count(account)
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)
