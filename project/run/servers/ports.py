"""Free ports on 127.0.0.1."""

import json
import random
import socket
from pathlib import Path

# Below the ranges that Linux (32768..) and macOS (49152..) give to outgoing connections, so that no client of ours can
# sit on a port between choosing it and listening on it; above the well-known servers.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 200
_RECORD = "ports.json"


class NoFreePort(OSError):
    """No block of free ports was found: something on this machine listens on nearly everything."""


def is_free(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1:port at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT of a former run is no obstacle
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return one free port."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return `count` contiguous free ports, chosen at random so that processes starting together rarely meet.

    Nothing is reserved: whoever binds first has the port. Raises NoFreePort.
    """
    for _ in range(_ATTEMPTS):
        first = random.randrange(_LOWEST, _HIGHEST - count)  # noqa: S311  spreading, not secrecy
        block = list(range(first, first + count))
        if all(is_free(port) for port in block):
            return block
    raise NoFreePort(f"no {count} contiguous free ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1")


def kept_ports(folder: Path, count: int) -> list[int]:
    """Return the ports that `folder` used before if they are all free, else new ones; remembers them in the folder.

    A data folder thus keeps its addresses from one run to the next, yet a port that someone else took in the meantime
    does not prevent a start.
    """
    kept = remembered_ports(folder)
    if len(kept) == count and all(is_free(port) for port in kept):
        return kept
    fresh = free_ports(count)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RECORD).write_text(json.dumps(fresh))
    return fresh


def remembered_ports(folder: Path) -> list[int]:
    """Return the ports that `folder` used last, whether anything listens on them or not; empty where it never did."""
    try:
        return [int(port) for port in json.loads((folder / _RECORD).read_text())]
    except (FileNotFoundError, ValueError, TypeError):  # absent, or cut short by a crash: as good as none
        return []
