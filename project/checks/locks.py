"""`python -m checks.locks GROUP…`: whether locks/ still says what pyproject.toml asks for; `--write` makes it so.

A lock is exact versions with hashes and no address, so that any index may serve it.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = PROJECT / "locks"
_ADDRESS = re.compile(r"\w+://")


def resolve(group: str, output: Path, *, upgrade: bool) -> None:
    """Write the lock of a group, keeping the versions that `output` has unless they are to be upgraded.

    Every group is bound to the versions of `dev`, so that what is tested is what is shipped.
    """
    command = [
        *(str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
        *("--python-version", "3.11", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
        *("--group", f"pyproject.toml:{group}", "--output-file", str(output)),
        *(["--upgrade"] if upgrade else []),
        *(["--constraint", str(LOCKS / "dev.txt")] if group != "dev" else []),
    ]
    subprocess.run(command, check=True, cwd=PROJECT)  # noqa: S603  (our own arguments)


def is_current(group: str) -> bool:
    """Whether resolving anew, from the locked versions, changes nothing."""
    lock = LOCKS / f"{group}.txt"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / lock.name
        copy.write_text(lock.read_text())
        resolve(group, copy, upgrade=False)
        return copy.read_text() == lock.read_text()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.locks", description="Check or write the locks.")
    parser.add_argument("groups", nargs="+")
    parser.add_argument("--write", action="store_true", help="write them")
    parser.add_argument("--upgrade", action="store_true", help="with --write: take the newest versions")
    arguments = parser.parse_args()
    if arguments.write:
        for group in sorted(arguments.groups, key=lambda name: name != "dev"):
            resolve(group, LOCKS / f"{group}.txt", upgrade=arguments.upgrade)
        return 0
    faults = [f"locks/{group}.txt is out of date: make lock" for group in arguments.groups if not is_current(group)]
    named = [lock.name for lock in LOCKS.iterdir() if _ADDRESS.search(lock.read_text())]
    faults += [f"locks/{name} names an address" for name in named]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"Locks: {len(arguments.groups)} are current.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
