"""Headers that make browsers careful with our answers: see `gateway.policies`."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.policies import ANSWER_HEADERS, API_POLICY, HTTPS_HEADERS, PAGE_HEADERS

_KEPT_BY_NOBODY = ("application/json", "application/problem+json")


class SafeHeaders:
    """Adds what an answer does not say by itself; pages get `policy`, everything else may load nothing."""

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] != 304:  # what is kept has them
                headers = MutableHeaders(scope=message)
                for name, value in self._missing(headers, scope["scheme"]).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, careful)

    def _missing(self, headers: Headers, scheme: str) -> dict[str, str]:
        content_type = headers.get("content-type", "").partition(";")[0]
        page = content_type == "text/html"
        return {
            **ANSWER_HEADERS,
            "Content-Security-Policy": self._policy if page else API_POLICY,
            **(PAGE_HEADERS if page else {}),
            **({"Cache-Control": "no-store"} if content_type in _KEPT_BY_NOBODY else {}),
            **(HTTPS_HEADERS if scheme == "https" else {}),
        }
