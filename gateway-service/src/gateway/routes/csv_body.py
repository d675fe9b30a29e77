"""Routes that take CSV where another one of the same address takes JSON: what the body is said to be decides."""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from gateway.routes.guarded import GuardedRoute
from reelwork.domain.errors import FieldError, UnsupportedMediaType

CSV_LIMIT_BYTES = 64 * 1024 * 1024
MEDIA_TYPE = "text/csv"


class CsvRoute(GuardedRoute):
    """Is there for bodies said to be CSV only; it reads them itself. Answers 415 for other text than UTF-8."""

    @property
    def takes_body(self) -> bool:
        return True

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or _media_type(Headers(scope=scope))[0] != MEDIA_TYPE:
            return Match.NONE, {}
        return super().matches(scope)

    async def accept(self, request: Request) -> Request:
        _, charset = _media_type(request.headers)
        if charset not in {"", "utf-8", "us-ascii"}:
            cure = "Send it as 'Content-Type: text/csv', in UTF-8."
            error = FieldError(pointer="header:content-type", code="not_utf8", detail=cure)
            raise UnsupportedMediaType("The CSV is not said to be UTF-8.", hint=cure, errors=[error])
        return await super().accept(request)


def _media_type(headers: Headers) -> tuple[str, str]:
    """Media type and charset of a body, in small letters; the charset is empty where none is named."""
    media_type, _, parameters = ", ".join(headers.getlist("content-type")).lower().partition(";")
    named = (parameter.strip().partition("=") for parameter in parameters.split(";"))
    charset = next((value.strip('"') for name, _, value in named if name == "charset"), "")
    return media_type.strip(), charset
