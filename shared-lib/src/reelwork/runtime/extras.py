"""Packages that only some installations have."""

from importlib.util import find_spec


def lacks(module: str) -> bool:
    """Whether this module, `package.module`, cannot be imported here. Imports the packages above it."""
    try:
        return find_spec(module) is None
    except ModuleNotFoundError:
        return True
