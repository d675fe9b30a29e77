"""The tables: every example of a README, and what of Reelwork answers it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parent / "tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example, by its `text` in the README.

    Either it is played: `curl` is the command (the text itself where that is one), `status` what it has to answer,
    `has` what must stand in the answer, by dotted names, `keep` names for parts of it that later commands need as
    `<name>`, `until` what the command is repeated for. Or there is something else for it here: `instead`, a target
    of our Makefile or a file, and `why`.
    """

    text: str
    curl: str = ""
    status: int = 200
    has: Mapping[str, Any] = field(default_factory=dict)  # JSON values; "…" is anything
    keep: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, Any] = field(default_factory=dict)  # JSON values
    instead: str = ""
    why: str = ""

    @property
    def command(self) -> str:
        """What is typed; empty for what is not played."""
        return self.curl or (self.text if self.text.startswith("curl -") and not self.instead else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A README. `sha256`: of the file that its examples were taken from."""

    readme: str
    sha256: str
    examples: tuple[Example, ...]


def tables() -> list[Table]:
    """All five. Raises TypeError for a name that no example has."""
    return [_read(path) for path in sorted(TABLES.glob("*.toml"))]


def _read(path: Path) -> Table:
    found = tomllib.loads(path.read_text())
    examples = tuple(Example(**one) for one in found["example"])
    return Table(readme=found["readme"], sha256=found["sha256"], examples=examples)
