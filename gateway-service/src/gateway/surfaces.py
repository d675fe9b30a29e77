"""Surfaces of the systems that Reelwork replaces: which of them are on, and what all their answers say.

Every answer at an address of theirs tells that the address is deprecated (RFC 9745), until when it is served (RFC 8594)
and where its successor is (RFC 5829); and it refuses in the words of its original.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import quote

from starlette.types import Scope

from reelwork.domain.errors import ReelworkError
from reelwork.domain.ids import job_id_of

SurfaceName = Literal["luma", "fleek", "heygen", "luna", "leyline"]
NAMES: tuple[SurfaceName, ...] = ("luma", "fleek", "heygen", "luna", "leyline")

# Since when new programs should use the successors: the day of the release that had them all.
DEPRECATED_AT = datetime(2026, 11, 22, tzinfo=UTC)
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as the original answered it. `body`: JSON (hence `Any`)."""

    status: int
    body: dict[str, Any]


# An error in the words of an original, from ours and from the problem document that is made of it.
Envelope = Callable[[ReelworkError, Mapping[str, Any]], Refusal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One system's addresses. `successors`: of each of its path templates, the one that took its place.

    `envelope`: None where it answers problem documents like everybody. `timed`: its answers carry `X-Process-Time`.
    """

    name: SurfaceName
    successors: Mapping[str, str]
    envelope: Envelope | None = None
    timed: bool = False


class Surfaces:
    """Those that are on. `shared`: refusals of addresses that an original had as Reelwork has them carry its block
    beside ours, under the names that it returns."""

    def __init__(
        self,
        surfaces: Sequence[Surface],
        *,
        sunset: datetime,
        shared: Callable[[ReelworkError, Mapping[str, Any], str], Mapping[str, Any]] | None = None,
    ) -> None:
        self._by_path = {path: surface for surface in surfaces for path in surface.successors}
        self._sunset = format_datetime(sunset.astimezone(UTC), usegmt=True)
        self._shared = shared

    def of(self, scope: Scope) -> Surface | None:
        """Whose address was asked for; None for one of Reelwork's own, and where no route was found."""
        return self._by_path.get(getattr(scope.get("route"), "path", ""))

    def headers(self, scope: Scope, *, seconds: float) -> dict[str, str]:
        """What an answer from there says beside its content; `seconds`: how long it took."""
        surface = self.of(scope)
        if surface is None:
            return {}
        successor = _filled(surface.successors[scope["route"].path], scope.get("path_params", {}))
        return {
            "Deprecation": f"@{int(DEPRECATED_AT.timestamp())}",
            "Sunset": self._sunset,
            "Link": f'<{successor}>; rel="successor-version"',
            **({"X-Process-Time": f"{seconds:.6f}"} if surface.timed else {}),
        }

    def refusal(self, scope: Scope, error: ReelworkError, problem: Mapping[str, Any]) -> Refusal | None:
        """The error in the words of the address's original; None for the problem document."""
        surface = self.of(scope)
        return surface.envelope(error, problem) if surface is not None and surface.envelope is not None else None

    def beside(self, error: ReelworkError, problem: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """Members that the problem document has for clients of an original that knew this very address."""
        return self._shared(error, problem, path) if self._shared is not None else {}


def surfaces_of(scope: Scope) -> Surfaces | None:
    """Those of the application that answers; None before it is asked."""
    found: Surfaces | None = getattr(getattr(scope.get("app"), "state", None), "surfaces", None)
    return found


def _filled(template: str, parameters: Mapping[str, Any]) -> str:
    """The address with the request's own ids. A UUID is the one inside a job's id."""

    def value(match: re.Match[str]) -> str:
        text = str(parameters.get(match[1], match[0]))
        try:
            return job_id_of(uuid.UUID(text))
        except ValueError:
            return quote(text[:100], safe="")

    return _PARAMETER.sub(value, template)
