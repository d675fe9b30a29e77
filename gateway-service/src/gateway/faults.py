"""What pydantic finds wrong, in plain words and by JSON pointer: never its types, never the caller's values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reelwork.domain.errors import FieldError
from reelwork.domain.money import WRITTEN

_MOST_FAULTS = 20
_A_NUMBER = "Send a number, without quotes."
_A_WHOLE_NUMBER = "Send a whole number."
_A_TRUTH = "Send true or false."
_AN_OBJECT = "Send one JSON object."
_A_MOMENT = 'Send a moment in quotes, with its offset, such as "2027-01-31T12:00:00Z".'
_A_MOMENT_IN_AN_ADDRESS = "Send a moment with its offset, such as 2027-01-31T12:00:00Z."
# By pydantic's code; what is in braces comes from its context, which holds our limits.
_PLAIN_WORDS = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field.",
    "model_attributes_type": _AN_OBJECT,
    "model_type": _AN_OBJECT,
    "dict_type": _AN_OBJECT,
    "list_type": "Send a list.",
    "string_type": "Send a text, in quotes.",
    "number_type": _A_NUMBER,
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "int_type": _A_WHOLE_NUMBER,
    "int_parsing": _A_WHOLE_NUMBER,
    "int_from_float": _A_WHOLE_NUMBER,
    "bool_type": _A_TRUTH,
    "bool_parsing": _A_TRUTH,
    "moment_type": _A_MOMENT,
    "datetime_type": _A_MOMENT,
    "datetime_parsing": _A_MOMENT,
    "datetime_from_date_parsing": _A_MOMENT,
    "timezone_aware": _A_MOMENT,
    "literal_error": "Take {expected}.",
    "greater_than": "Send more than {gt}.",
    "greater_than_equal": "Send at least {ge}.",
    "less_than_equal": "Send at most {le}.",
    "too_long": "Send at most {max_length} of them.",
    "too_short": "Send at least {min_length} of them.",
    "string_too_long": "Send at most {max_length} characters.",
    "string_too_short": "Send at least {min_length} characters.",
    "value_error": "Send a file here, with a file name.",  # the one value of ours that pydantic cannot name is a file
    "recursion_loop": "The nesting is too deep.",
}
# By the place at which nothing was sent; elsewhere as above.
_MISSING = {
    ("body",): _AN_OBJECT,
    ("body", "file"): "Send a form (multipart/form-data) that has the file as its field 'file'.",
}
_PATTERNS = {
    WRITTEN: 'Send US dollars in quotes, with at most four decimal places, such as "0.50".',
    r"^[A-Za-z0-9_-]+$": "Take letters of a to z, digits, '_' and '-' only.",
    r"^[^\x00-\x1f]+$": "Leave out control characters, such as line ends.",
    r"^[^\x00]*$": "Leave out the character NUL.",
    r"^[0-9a-f]{64}$": "Send the SHA-256 of the whole file as 64 hex digits, in lower case.",
    r"^[\x20-\x7e]+$": "Take printable ASCII characters only.",
}


def faults(details: Sequence[dict[str, Any]], body: object) -> list[FieldError]:
    """From pydantic's error list (untyped there) to ours, once for each place; `body` is what was checked."""
    found = [_fault(detail, body) for detail in details[:_MOST_FAULTS]]
    return list({fault.pointer: fault for fault in reversed(found)}.values())[::-1]


def _fault(detail: dict[str, Any], body: object) -> FieldError:
    code: str = detail["type"]
    if code == "json_invalid":
        place = f" (at character {detail['loc'][1]})" if detail["loc"][1] else ""
        return FieldError(pointer="#", code=code, detail=f"{detail['ctx']['error']}{place}.")
    return FieldError(pointer=_pointer(detail["loc"], body, lacks=code == "missing"), code=code, detail=_words(detail))


def _words(detail: dict[str, Any]) -> str:
    context = {name: _number(value) for name, value in detail.get("ctx", {}).items()}
    if detail["type"] == "missing" and (cure := _MISSING.get(tuple(detail["loc"]))):
        return cure
    words = _PLAIN_WORDS.get(detail["type"]) or _PATTERNS.get(str(context.get("pattern")))
    if words is _A_MOMENT and detail["loc"][0] == "query":
        words = _A_MOMENT_IN_AN_ADDRESS
    return words.format_map(context) if words is not None else str(detail["msg"])


def _number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _pointer(location: Sequence[str | int], body: object, *, lacks: bool) -> str:
    """`#/input/width` for a place in the body, `?limit` for a query parameter. `lacks`: there is nothing there yet."""
    place, *rest = location
    steps = _steps(rest, body, lacks=lacks) if place == "body" and isinstance(body, Mapping | list) else rest
    path = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    match place:
        case "body":
            return f"#/{path}" if path else "#"
        case "query":
            return f"?{path}"
        case _:
            return f"{place}:{path}"


def _steps(location: Sequence[str | int], body: object, *, lacks: bool) -> Iterator[str | int]:
    """Without pydantic's own labels (a member of a union, `[key]`), which lead nowhere in the body."""
    for number, step in enumerate(location, start=1):
        match body, step:
            case Mapping(), _ if step in body:
                body = body[step]
            case list(), int() if step < len(body):
                body = body[step]
            case Mapping(), _ if lacks and number == len(location):
                pass
            case _:
                continue
        yield step
