"""Types the examples: each command as it stands, its answer held against the table."""

import json
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from readmes.table import Example

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 1.0
_AS_WRITTEN = "http://localhost:8000"
_STATUS = "\n%{http_code}"


class Differs(Exception):
    """The answer is not the one of the table."""


@dataclass(slots=True)
class Player:
    """`base_url`: where it is played, instead of the address that READMEs have. `known`: what `<name>` stands for."""

    base_url: str
    known: dict[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = print

    def play(self, example: Example) -> None:
        """Type it and look. Raises Differs."""
        command = example.command.replace(_AS_WRITTEN, self.base_url)
        for name, value in self.known.items():
            command = command.replace(f"<{name}>", value)
        self.say(f"$ {command}")
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, body = _typed(command)
            if status != example.status or not example.until or _has(body, example.until) or time.monotonic() > ends:
                break
            time.sleep(PAUSE_SECONDS)
        self.say(f"{status} {_short(body)}")
        _check(example, status, body)
        for name, place in example.keep.items():
            self.known[name] = str(_at(body, place))


def _typed(command: str) -> tuple[int, Any]:
    """Its status and what it says: JSON where it is that (hence `Any`), else the beginning of its text."""
    first, *rest = shlex.split(command)
    if first != "curl":
        raise Differs(f"only curl is typed, not {first}")
    argv = ["curl", "--silent", "--show-error", "--write-out", _STATUS, *rest]
    done = subprocess.run(argv, capture_output=True, timeout=PATIENCE_SECONDS, check=False)  # noqa: S603  our table's
    text, _, status = done.stdout.decode(errors="replace").rpartition("\n")
    if done.returncode != 0:
        raise Differs(f"curl ended with {done.returncode}: {done.stderr.decode(errors='replace')[:300]}")
    try:
        return int(status), json.loads(text)
    except json.JSONDecodeError:
        return int(status), text


def _check(example: Example, status: int, body: Any) -> None:
    if status != example.status:
        raise Differs(f"{status} instead of {example.status}")
    for place, wanted in example.has.items():
        if not _has(body, {place: wanted}):
            raise Differs(f"{place} is not {wanted!r}")
    for place, wanted in example.until.items():
        if not _has(body, {place: wanted}):
            raise Differs(f"{place} did not become {wanted!r} within {PATIENCE_SECONDS:g} s")


def _has(body: Any, wanted: Mapping[str, Any]) -> bool:
    for place, value in wanted.items():
        try:
            found = _at(body, place)
        except (LookupError, TypeError, ValueError):
            return False
        if value not in ("…", found):
            return False
    return True


def _at(body: Any, place: str) -> Any:
    """The value at a dotted name; numbers count through lists."""
    for name in place.split("."):
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body


def _short(body: Any) -> str:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= 160 else f"{line[:159]}…"
