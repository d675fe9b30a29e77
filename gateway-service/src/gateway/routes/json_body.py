"""JSON bodies that mean the same to everybody: UTF-8, no name twice, nothing that only some parsers read (RFC 8259)."""

import json
import math
from typing import Any

from fastapi import Request

from gateway.routes.guarded import GuardedRoute
from reelwork.domain.errors import FieldError, InvalidInput, UnsupportedMediaType, UploadTooLarge

JSON_LIMIT_BYTES = 1024 * 1024
# How a route that takes a body refuses one.
BODY_REFUSALS = (UploadTooLarge, UnsupportedMediaType, InvalidInput)
_LONGEST_NAME = 64
_DEEPEST = 32
# A batch of 1,000 jobs has some ten each. Small ones in their hundred thousands take seconds to check.
_MOST_CONTAINERS = 50_000


class JsonRoute(GuardedRoute):
    """A route that takes no body but strict JSON. Answers 415 for other content, 400 for other JSON."""

    # What the same address takes beside it, by another route.
    besides: tuple[str, ...] = ()

    async def accept(self, request: Request) -> Request:
        await super().accept(request)
        strict = _JsonRequest(request.scope, request.receive)
        # Nothing at all is left to the route, which says what is missing.
        if not _is_json(", ".join(request.headers.getlist("content-type"))) and await strict.body():
            takes = " or ".join(f"'Content-Type: {name}'" for name in ("application/json", *self.besides))
            cure = f"Send it as {takes}, in UTF-8."
            error = FieldError(pointer="header:content-type", code="not_json", detail=cure)
            raise UnsupportedMediaType("The body is not said to be JSON.", hint=cure, errors=[error])
        return strict


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
    containers = text.count("[") + text.count("{")
    if containers > _MOST_CONTAINERS:
        raise json.JSONDecodeError(f"There are more than {_MOST_CONTAINERS:,} lists and objects", "", 0)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise json.JSONDecodeError("The nesting is too deep", "", 0) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # Python's bound on the digits of an integer
        raise json.JSONDecodeError("A number has too many digits", "", 0) from error
    if containers > _DEEPEST and _depth(value) > _DEEPEST:
        raise json.JSONDecodeError(f"The nesting is deeper than {_DEEPEST} levels", "", 0)
    return value


def _no_number(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number in JSON", "", 0)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise json.JSONDecodeError("A number is too large", "", 0)
    return number


def _depth(value: Any) -> int:
    """How many lists and objects are inside each other at most."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [child for one in level for child in (one.values() if isinstance(one, dict) else one)]
    return depth


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
