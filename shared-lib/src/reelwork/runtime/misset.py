"""What is wrong with settings, a line for each, by the names of their variables. Never a value: it may be a secret."""

import re

from pydantic import ValidationError
from pydantic_settings import SettingsError

_FIELD = re.compile(r'field "(\w+)"')


def said_of(error: ValidationError | SettingsError) -> str:
    """For people who set them."""
    if isinstance(error, SettingsError):  # what should be JSON is not
        field = _FIELD.search(str(error))
        return f"{_variable(field[1])} is not JSON" if field is not None else "a setting is not JSON"
    return "\n".join(_line(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors(include_input=False))


def _line(place: tuple[int | str, ...], kind: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not place:
        return message  # of several settings together; it names them
    variable, inside = _variable(str(place[0])), ".".join(str(step) for step in place[1:])
    if kind == "missing" and not inside:
        return f"{variable} is not set"
    return f"{variable}: {f'{inside}: ' if inside else ''}{message}"


def _variable(field: str) -> str:
    return f"REELWORK_{field.upper()}"
