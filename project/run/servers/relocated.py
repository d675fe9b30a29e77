"""RabbitMQ and its Erlang out of Debian packages, unpacked into a folder of the project and made to run there.

Neither root rights nor the machine's own C library are needed: the packages of the release that has RabbitMQ 4 come
with the library they were built for, and every program is told to use that one.
"""

import fcntl
import json
import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from run.servers.debian import Unfetchable, run, unpack_packages

HOME = Path(__file__).resolve().parents[2] / ".cache" / "rabbitmq"
SUITE = "trixie"  # RabbitMQ 4.0, Erlang 27
_RECORD = "relocated.json"
_ERLANG = "usr/lib/erlang"
_ERLANG_PARTS = (
    *("asn1", "base", "crypto", "eldap", "inets", "mnesia", "os-mon", "parsetools", "public-key"),
    *("runtime-tools", "ssl", "syntax-tools", "tools", "xmerl"),
)
_LIBRARIES = ("libc6", "libstdc++6", "libgcc-s1", "libtinfo6", "zlib1g", "libssl3t64", "libsystemd0", "libcap2")
PACKAGES = ("rabbitmq-server", *(f"erlang-{part}" for part in _ERLANG_PARTS), *_LIBRARIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocated:
    """An unpacked RabbitMQ. The folder's own path is written into its programs, so it works in that place only."""

    root: Path

    @classmethod
    def find(cls, home: Path = HOME) -> Self | None:
        """Return what `fetch` left in this folder; None if nothing, or if the folder has been moved since."""
        try:
            place = json.loads((home / _RECORD).read_text())["root"]
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return cls(root=home) if place == str(home) else None

    @classmethod
    def fetch(cls, home: Path = HOME) -> Self:
        """Return what is there, else fetch it: about 42 MB, five seconds. Raises Unfetchable.

        The folder appears complete or not at all, and two that fetch at once do it once.
        """
        with _alone(home):
            found = cls.find(home)
            if found is not None:
                return found
            with TemporaryDirectory(dir=home.parent, prefix="rabbitmq-") as work:
                draft = Path(work) / "root"
                unpack_packages(PACKAGES, suite=SUITE, work=Path(work), root=draft)
                _relocate(draft, home)
                shutil.rmtree(home, ignore_errors=True)
                draft.rename(home)
            fetched = cls(root=home)
            fetched._prove()
            (home / _RECORD).write_text(json.dumps({"root": str(home)}))
            return fetched

    @property
    def rabbitmq_server(self) -> Path:
        """The script that becomes the node."""
        return next(self.root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))

    @property
    def erlang_bin(self) -> Path:
        """The folder of `erl`, to be put on PATH."""
        return self.root / _ERLANG / "bin"

    def _prove(self) -> None:
        run(
            (
                str(self.erlang_bin / "erl"),
                "-noshell",
                "-eval",
                "{ok, _} = application:ensure_all_started(ssl), halt().",
            )
        )


def _relocate(root: Path, home: Path) -> None:
    """Make the tree in `root` run once it lies at `home`."""
    loader = next(root.glob("usr/lib*/ld-linux-*.so.*"), None) or next(root.glob("usr/lib/*/ld-linux-*.so.*"))
    libraries = next(root.glob("usr/lib/*/libc.so.6")).parent
    patchelf = _patchelf()
    for file in (root / _ERLANG).rglob("*"):
        match _kind(file):
            case "program":
                run((patchelf, "--set-rpath", str(home / libraries.relative_to(root)), str(file)))
                if _has_loader(patchelf, file):
                    run((patchelf, "--set-interpreter", str(home / loader.relative_to(root)), str(file)))
            case "script":
                text = file.read_bytes().replace(b"/" + _ERLANG.encode(), os.fsencode(home / _ERLANG))
                file.write_bytes(text)
    for ballast in ("doc", "man", "locale", "lintian"):
        shutil.rmtree(root / "usr/share" / ballast, ignore_errors=True)


def _kind(file: Path) -> str:
    if file.is_symlink() or not file.is_file():
        return ""
    with file.open("rb") as opened:
        head = opened.read(4)
    return "program" if head == b"\x7fELF" else "script" if head.startswith(b"#!") else ""


def _has_loader(patchelf: str, file: Path) -> bool:
    try:
        run((patchelf, "--print-interpreter", str(file)))
    except Unfetchable:  # a shared object has none, and says so by failing
        return False
    return True


def _patchelf() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "patchelf"
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if found is None:
        raise Unfetchable("patchelf is needed; it is in the dependency group `dev`")
    return found


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
