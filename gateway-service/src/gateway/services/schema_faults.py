"""What a JSON Schema finds wrong, in words for whoever filled in the form; never with the caller's values."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jsonschema_rs

from reelwork.domain.errors import FieldError
from reelwork.generator import AssetInput
from reelwork.modelling.kalman import SeriesInput

LONGEST_DETAIL = 300
_PATTERNS = {
    AssetInput.PATTERN: "Send the id of an asset, asset_…: POST /v1/assets makes one of a file.",
    SeriesInput.PATTERN: "Send the id of a saved series, ser_…: POST /v1/series makes one.",
}
_Kind = jsonschema_rs.ValidationErrorKind


def faults_of(error: Any) -> Iterator[FieldError]:  # the library's error has no types
    """A missing and an unexpected field are named by their own pointers; of a choice, what is closest to right."""
    place = "/".join(["#/input", *(escape(part) for part in error.instance_path)])
    match error.kind:
        case _Kind.Required():
            yield FieldError(pointer=f"{place}/{escape(error.kind.property)}", code="required", detail="It is missing.")
        case _Kind.AdditionalProperties():
            for name in error.kind.unexpected:
                cure = "This model has no such field."
                yield FieldError(pointer=f"{place}/{escape(name)}", code="additionalProperties", detail=cure)
        case _Kind.AnyOf() if any(_is_inside(error, inner) for way in error.kind.context for inner in way):
            for inner in _closest(error):
                yield from faults_of(inner)
        case _:
            code = str(error.schema_path[-1]) if error.schema_path else "invalid"
            yield FieldError(pointer=place, code=code, detail=_cure(error)[:LONGEST_DETAIL])


def once(faults: Iterable[FieldError]) -> list[FieldError]:
    """Each place once: of a value that is of another type and none of a list, the list says enough."""
    told: dict[str, FieldError] = {}
    for fault in faults:
        if fault.pointer not in told or told[fault.pointer].code == "type":
            told[fault.pointer] = fault
    return list(told.values())


def _ways(error: Any) -> list[Sequence[Any]]:
    """What is wrong by each way of a choice, but for that of sending nothing at all, where there are others."""
    ways = [way for way in error.kind.context if way]
    return [way for way in ways if not (len(way) == 1 and _is_no_null(way[0]))] or ways


def _closest(error: Any) -> Sequence[Any]:
    """Of the ways whose type is right that with the fewest members wrong; of equals that which goes wrong deepest
    inside, then that whose types are right there, then that with the fewest faults."""
    place = len(error.instance_path)

    def rank(way: Sequence[Any]) -> tuple[bool, int, int, bool, int]:
        fits = not any(_is_of_no_type(inner) and not _is_inside(error, inner) for inner in way)
        members = {inner.instance_path[place] for inner in way if _is_inside(error, inner)}
        depth = max(len(inner.instance_path) for inner in way)
        return fits, -len(members), depth, not all(_is_of_no_type(inner) for inner in way), -len(way)

    return max(_ways(error), key=rank)


def _is_inside(error: Any, inner: Any) -> bool:
    return len(inner.instance_path) > len(error.instance_path)


def _is_no_null(error: Any) -> bool:
    return isinstance(error.kind, _Kind.Type) and list(error.kind.types) == ["null"]


def _is_of_no_type(error: Any) -> bool:
    """Whether the value is of another type than any that is possible at this very place."""
    if isinstance(error.kind, _Kind.AnyOf):
        ways = (inner for way in error.kind.context for inner in way)
        return all(_is_of_no_type(inner) and not _is_inside(error, inner) for inner in ways)
    return isinstance(error.kind, _Kind.Type)


def _types(error: Any) -> Iterator[str]:
    if isinstance(error.kind, _Kind.AnyOf):
        for way in error.kind.context:
            for inner in way:
                yield from _types(inner)
    else:
        yield from error.kind.types


def _cure(error: Any) -> str:
    match error.kind:
        case _Kind.Enum():
            return f"Take one of {', '.join(json.dumps(option) for option in error.kind.options)}."
        case _Kind.Constant():
            return f"Take {json.dumps(error.kind.expected_value)}."
        case _Kind.Pattern() if error.kind.pattern in _PATTERNS:
            return _PATTERNS[error.kind.pattern]
        case _Kind.AnyOf() if not _is_of_no_type(error):
            faults = [inner for way in _ways(error) for inner in way]
            named = [inner for inner in faults if isinstance(inner.kind, _Kind.Enum | _Kind.Constant)]
            return " Or: ".join(dict.fromkeys(_cure(inner) for inner in named or faults))
        case _Kind.AnyOf() | _Kind.Type():
            *others, last = dict.fromkeys(_types(error))
            return f"It must be of type {', '.join(others)}{' or ' * bool(others)}{last}."
        case _:
            message = str(error.message)
            return f"{message[:1].upper()}{message[1:]}."


def escape(part: str | int) -> str:
    """A part of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
