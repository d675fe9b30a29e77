"""Where the files of weights lie that models need and no package of ours brings."""

import os
from pathlib import Path

WEIGHTS_FOLDER = "REELWORK_WEIGHTS_DIR"


def weights_folder() -> Path | None:
    """The folder that the operator named; None where none was."""
    folder = os.environ.get(WEIGHTS_FOLDER, "")
    return Path(folder) if folder else None


def missing(*files: str, command: str = "make weights") -> str | None:
    """Why these files cannot be had, with the `command` that fetches them; None where all are there."""
    folder, names = weights_folder(), " and ".join(files)
    if folder is None:
        return f"needs the weights {names}: run `{command}` and set {WEIGHTS_FOLDER} to their folder"
    if not all((folder / file).is_file() for file in files):
        return f"needs the weights {names}, which {folder} does not hold: run `{command}`"
    return None
