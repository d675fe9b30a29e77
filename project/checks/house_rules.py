"""`python -m checks.house_rules ROOT`: limits that keep files readable, on every file that git knows.

No file above 300 lines, no function above 50, no print, every broad except explained, no to-do without an owner.
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
_PAGE_FILES = {".ts", ".tsx", ".css"}
_GENERATED = re.compile(r"\.gen\.|/schema/")
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
_BROAD = {"Exception", "BaseException"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule and where."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def check_file(file: Path, text: str) -> Iterator[Fault]:
    """The faults of one file."""
    lines = text.splitlines()
    if len(lines) > MAX_FILE_LINES:
        yield Fault(file, MAX_FILE_LINES, f"{len(lines)} lines, at most {MAX_FILE_LINES}: give it one idea only")
    for number, line in enumerate(lines, start=1):
        if _TODO.search(line) and file.name != "house_rules.py":
            yield Fault(file, number, "left for nobody: do it, or open an issue")
    if file.suffix == ".py":
        yield from _check_python(file, text, lines)


def _check_python(file: Path, text: str, lines: list[str]) -> Iterator[Fault]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > MAX_FUNCTION_LINES:
                    yield Fault(file, node.lineno, f"{node.name} has {size} lines, at most {MAX_FUNCTION_LINES}")
            case ast.ExceptHandler() if _is_broad(node) and not _is_explained(node, lines):
                yield Fault(file, node.lineno, "a broad except needs a comment that says why")
            case ast.Call(func=ast.Name(id="print")):
                yield Fault(file, node.lineno, "print: log it, or write to sys.stdout in a tool")


def _is_broad(handler: ast.ExceptHandler) -> bool:
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in _BROAD) for kind in named)


def _is_explained(handler: ast.ExceptHandler, lines: list[str]) -> bool:
    """A comment of a few words, beyond a `noqa`, on the line of the except or the one below."""
    for line in lines[handler.lineno - 1 : handler.lineno + 1]:
        _, _, comment = line.partition("#")
        if len(re.sub(r"noqa: ?[A-Z0-9, ]+", "", comment).split()) >= 3:
            return True
    return False


def files(root: Path) -> list[Path]:
    """Source files that git knows or would know, without generated ones."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603
    wanted = [Path(name) for name in listed if Path(name).suffix in _PAGE_FILES | {".py"}]
    return [name for name in wanted if not _GENERATED.search(f"/{name}") and (root / name).is_file()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.house_rules", description="Check the house rules.")
    parser.add_argument("root", type=Path, help="the repository")
    root = parser.parse_args().root.resolve()
    checked = files(root)
    faults = [fault for file in checked for fault in check_file(file, (root / file).read_text())]
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"House rules: {len(checked)} files, {len(faults)} faults.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
