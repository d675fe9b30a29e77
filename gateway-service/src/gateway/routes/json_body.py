"""JSON bodies that mean the same to everybody: UTF-8, no name twice, nothing that only some parsers read (RFC 8259)."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from reelwork.domain.errors import FieldError, InvalidInput, UnsupportedMediaType, UploadTooLarge

JSON_LIMIT_BYTES = 1024 * 1024
# How a route that takes a body refuses one.
BODY_REFUSALS = (UploadTooLarge, UnsupportedMediaType, InvalidInput)
_LONGEST_NAME = 64


class JsonRoute(APIRoute):
    """A route that takes no body but strict JSON. Answers 415 for other content, 400 for other JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = _JsonRequest(request.scope, request.receive)
            if self.body_field is not None and not _is_json(request.headers.get("content-type", "")):
                await _refuse_content(strict)
            return await handle(strict)

        return strictly


class _JsonRequest(Request):
    async def json(self) -> Any:
        return parse(await self.body())


def parse(body: bytes) -> Any:  # whatever JSON says
    """The value. Raises json.JSONDecodeError, with a message for people."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("The body is not UTF-8", "", error.start) from error
    if text.startswith("\ufeff"):
        raise json.JSONDecodeError("The body begins with a byte order mark", "", 0)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as error:
        raise json.JSONDecodeError("The nesting is too deep", "", 0) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # Python's bound on the digits of an integer
        raise json.JSONDecodeError("A number has too many digits", "", 0) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise json.JSONDecodeError(f"The name {twice[:_LONGEST_NAME]!a} occurs twice in one object", "", 0)
    return found


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    return media_type.strip() == "application/json" and charset in {"", "charset=utf-8"}


async def _refuse_content(request: Request) -> None:
    """Nothing at all is left to the route, which says what is missing. Raises UnsupportedMediaType."""
    if await request.body():
        cure = "Send it as 'Content-Type: application/json', in UTF-8."
        error = FieldError(pointer="header:content-type", code="not_json", detail=cure)
        raise UnsupportedMediaType("The body is not said to be JSON.", hint=cure, errors=[error])
