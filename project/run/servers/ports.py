"""Free ports on 127.0.0.1, each for one process of ours.

Between choosing a port and listening on it, and while a server is started again, nobody listens there. So a process
that chose a port of TCP holds the same port of UDP, which no server of ours listens on: whoever looks for a port takes
those only that it can hold, and what a process held is free again when it ends, however it ends.
"""

import atexit
import json
import random
import socket
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

# Below the ranges that Linux (32768..) and macOS (49152..) give to outgoing connections, so that no client of ours can
# sit on a port between choosing it and listening on it; above the well-known servers.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 200
_RECORD = "ports.json"
_MOST_HELD = 64  # each is an open file; those that were chosen longest ago are let go


class _Holder(NamedTuple):
    socket: socket.socket
    whose: Path | None  # the folder that keeps the port


_held: OrderedDict[int, _Holder] = OrderedDict()
_choosing = threading.Lock()


class NoFreePort(OSError):
    """No block of free ports was found: something on this machine listens on nearly everything."""


@atexit.register
def _let_go() -> None:
    for holder in _held.values():
        holder.socket.close()


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
    """Return `count` contiguous free ports. No other process of ours chooses them while this one lives, or until it has
    chosen 64 others. Raises NoFreePort.
    """
    with _choosing:
        return _choose(count)


def _choose(count: int, whose: Path | None = None) -> list[int]:
    for _ in range(_ATTEMPTS):
        first = random.randrange(_LOWEST, _HIGHEST - count)  # noqa: S311  spreading, not secrecy
        block = list(range(first, first + count))
        if _held.keys().isdisjoint(block) and _hold(block, whose):
            return block
    raise NoFreePort(f"no {count} contiguous free ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1")


def _hold(ports: Sequence[int], whose: Path | None = None) -> bool:
    """Hold all of them, or none but those that were held before."""
    with ExitStack() as taken:
        new = {}
        for port in ports:
            if port not in _held:
                new[port] = _Holder(taken.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)), whose)
                try:
                    new[port].socket.bind(("127.0.0.1", port))
                except OSError:
                    return False
            if not is_free(port):
                return False
        _held.update(new)
        taken.pop_all()
    for port in ports:
        _held.move_to_end(port)
    while len(_held) > _MOST_HELD:
        _held.popitem(last=False)[1].socket.close()
    return True


def kept_ports(folder: Path, count: int) -> list[int]:
    """Return the ports that `folder` used before if they are all free, else new ones; remembers them in the folder.

    A data folder thus keeps its addresses from one run to the next, yet a port that someone else took in the meantime
    does not prevent a start.
    """
    kept = remembered_ports(folder)
    with _choosing:
        ours = all(port not in _held or _held[port].whose == folder for port in kept)
        if len(kept) == count and ours and _hold(kept, folder):
            return kept
        fresh = _choose(count, folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RECORD).write_text(json.dumps(fresh))
    return fresh


def remembered_ports(folder: Path) -> list[int]:
    """Return the ports that `folder` used last, whether anything listens on them or not; empty where it never did."""
    try:
        ports = [int(port) for port in json.loads((folder / _RECORD).read_text())]
    except (FileNotFoundError, ValueError, TypeError):  # absent, or cut short by a crash: as good as none
        return []
    return ports if all(0 < port < 2**16 for port in ports) else []
