"""Fetch what no wheel carries: `python -m run.servers.fetch rabbitmq chromium`."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from run.servers.debian import Unfetchable, run
from run.servers.rabbitmq import find_rabbitmq
from run.servers.relocated import Relocated

_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def rabbitmq() -> Path:
    """Return RabbitMQ's server script; without RabbitMQ 4 in `project/.cache`, fetch it there. Raises Unfetchable."""
    Relocated.fetch()
    return find_rabbitmq().server


def chromium() -> Path:
    """Return a Chromium; without one, install Debian's headless shell, which takes root. Raises Unfetchable."""
    found = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if found is not None:
        return Path(found)
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        raise Unfetchable("no Chromium here, and only root can install one; install chromium by your system's means")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(("apt-get", "update", "-qq"), env=environment)
    run(("apt-get", "install", "-y", "-qq", "--no-install-recommends", _BROWSERS[0]), env=environment)
    return Path("/usr/bin") / _BROWSERS[0]


FETCHERS: dict[str, Callable[[], Path]] = {"rabbitmq": rabbitmq, "chromium": chromium}


def main(arguments: list[str]) -> int:
    """Fetch each named thing and print where it is; 1 if one could not be had, after trying the others."""
    parser = argparse.ArgumentParser(prog="python -m run.servers.fetch", description=__doc__)
    parser.add_argument("what", nargs="+", choices=sorted(FETCHERS))
    failed = False
    for what in parser.parse_args(arguments).what:
        try:
            sys.stdout.write(f"{what}: {FETCHERS[what]()}\n")
        except Unfetchable as error:
            failed = True
            sys.stderr.write(f"{what} could not be fetched: {error}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
