"""Settings of one's own for `make run`, kept in a file that is never committed."""

import os
from pathlib import Path

from dotenv import dotenv_values

PREFIX = "REELWORK_"


class UnknownSetting(ValueError):
    """A line of the file that is no setting of ours; the message names it."""


def take_local_settings(file: Path) -> None:
    """Put the `REELWORK_<NAME>=value` lines of the file into the environment, where they are not set already.

    Nothing if there is no such file. Raises UnknownSetting.
    """
    for name, value in dotenv_values(file, interpolate=False).items():
        if not name.startswith(PREFIX) or value is None:
            raise UnknownSetting(f"{file}: {name!r} is not a line of the form {PREFIX}NAME=value.")
        os.environ.setdefault(name, value)
