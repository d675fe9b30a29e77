"""Fetch what no wheel carries: `python -m run.servers.fetch rabbitmq chromium apertium`."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from run.servers.debian import Unfetchable, run
from run.servers.process import ServerMissing
from run.servers.rabbitmq import find_rabbitmq
from run.servers.relocated import Relocated

_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_ENGLISH_TO_SPANISH = Path("/usr/share/apertium/modes/eng-spa.mode")


def rabbitmq() -> Path:
    """Return RabbitMQ's server script: of RabbitMQ 4, fetched into `project/.cache`, else the machine's own.

    Raises Unfetchable if neither can be had.
    """
    try:
        return Relocated.fetch().rabbitmq_server
    except Unfetchable as error:
        try:
            return find_rabbitmq().server
        except ServerMissing:
            raise error from None


def chromium() -> Path:
    """Return a Chromium; without one, install Debian's headless shell, which takes root. Raises Unfetchable."""
    found = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if found is not None:
        return Path(found)
    _install(_BROWSERS[0], missing="Chromium")
    return Path("/usr/bin") / _BROWSERS[0]


def apertium() -> Path:
    """Return Apertium with English to Spanish, which translates for builtin/voice-over; without it, install Debian's
    (6 MB), which takes root. Raises Unfetchable."""
    found = shutil.which("apertium")
    if found is not None and _ENGLISH_TO_SPANISH.is_file():
        return Path(found)
    _install("apertium", "apertium-eng-spa", missing="Apertium for English to Spanish")
    return Path("/usr/bin/apertium")


def _install(*packages: str, missing: str) -> None:
    """Debian's packages. Raises Unfetchable where there is no apt or where we are not root."""
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        named = " and ".join(packages)
        raise Unfetchable(f"no {missing} here, and only root can install it; install {named} by your system's means")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(("apt-get", "update", "-qq"), env=environment)
    run(("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages), env=environment)


FETCHERS: dict[str, Callable[[], Path]] = {"rabbitmq": rabbitmq, "chromium": chromium, "apertium": apertium}


def main(arguments: list[str]) -> int:
    """Fetch each named thing and print where it is; 1 if one could not be had, after trying the others.

    With `--if-possible` that is told but no failure: a test that needs the thing will say so, unless Docker has it.
    """
    parser = argparse.ArgumentParser(prog="python -m run.servers.fetch", description=__doc__)
    parser.add_argument("what", nargs="+", choices=sorted(FETCHERS))
    parser.add_argument(
        "--if-possible", action="store_true", help="end with status 0 even if something is not to be had"
    )
    options = parser.parse_args(arguments)
    failed = False
    for what in options.what:
        try:
            sys.stdout.write(f"{what}: {FETCHERS[what]()}\n")
        except Unfetchable as error:
            failed = True
            sys.stderr.write(f"{what} could not be fetched: {error}\n")
    return 1 if failed and not options.if_possible else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
