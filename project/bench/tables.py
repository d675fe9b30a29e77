"""Tables of the report, each with when and where it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

_BEGINS = "\n## "


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A section of the report: what was measured, how, and the rows."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        widths = [max(len(row[i]) for row in [self.columns, *self.rows]) for i in range(len(self.columns))]
        lines = [self._line(self.columns, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
        lines += [self._line(row, widths) for row in self.rows]
        return f"## {self.title}\n\n{self.note}\n\n" + "\n".join(lines) + "\n"

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def merged(report: str, tables: Sequence[Table], *, stamp: str) -> str:
    """The report with these tables in the place of those of the same title, new ones at the end; others stay."""
    head, *parts = report.split(_BEGINS)
    texts = {part.split("\n", 1)[0]: part.rstrip() for part in parts}
    for table in tables:
        texts[table.title] = f"{table.markdown().removeprefix(_BEGINS.lstrip())}\n{stamp}"
    return head.rstrip() + "\n" + "".join(f"{_BEGINS}{text}\n" for text in texts.values())


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def ratio(ours: float, theirs: float) -> str:
    """How many times theirs ours is."""
    return f"{ours / theirs:.2f}" if theirs else "-"
