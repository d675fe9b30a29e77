"""Query parameters that a route does not know are refused: a filter with a slip of the pen would match everything."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyQuery

from gateway.credentials import refuse_in_address
from gateway.problems import named
from reelwork.domain.errors import FieldError, InvalidRequest

_MOST_FAULTS = 20


_Names = frozenset[str]


class KnownParameters:
    """A dependency of every route of the API."""

    def __init__(self) -> None:
        self._taken: dict[object, tuple[_Names, _Names, _Names]] = {}

    async def __call__(self, request: Request) -> None:
        """Raises InvalidRequest, naming what is unknown, and what stands twice where one is taken."""
        if not request.scope["query_string"]:
            return
        refuse_in_address(request)
        route: APIRoute = request.scope["route"]
        if route.endpoint not in self._taken:
            self._taken[route.endpoint] = _names(route)
        single, many, families = self._taken[route.endpoint]
        faults: dict[str, FieldError] = {}
        seen: set[str] = set()
        for name, _ in request.query_params.multi_items():
            if name in many:
                continue
            family = name.partition("[")[0] in families and name.endswith("]")
            if name not in single and not family:
                faults[name] = FieldError(pointer=f"?{name}", code="unknown", detail="There is no such parameter.")
            elif name in seen:
                faults[name] = FieldError(pointer=f"?{name}", code="repeated", detail="Send it once.")
            seen.add(name)
        if faults:
            found = list(faults.values())[:_MOST_FAULTS]
            cure = f"It takes: {', '.join(sorted(single | many | families)) or 'none'}."
            raise InvalidRequest(f"Not valid: {named(found)}.", hint=cure, errors=found)


def _names(route: APIRoute) -> tuple[_Names, _Names, _Names]:
    """Those that may stand once, those that may be repeated, and those before `[…]`."""
    found = dict(_parameters(route.dependant))
    many = frozenset(name for name, repeated in found.items() if repeated)
    extra = (route.openapi_extra or {}).get("parameters", [])
    families = frozenset(one["name"] for one in extra if one.get("style") == "deepObject")
    return frozenset(found) - many, many, families


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Each with whether it may be repeated; also those of what the route depends on."""
    if isinstance(dependant.call, APIKeyQuery):
        yield dependant.call.model.name, False
    for field in dependant.query_params:
        yield field.alias, _is_list(field.field_info.annotation)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _is_list(annotation: Any) -> bool:  # whatever a parameter's type is
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))
