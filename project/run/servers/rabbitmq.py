"""RabbitMQ as a private node: its own name server, cookie, ports and data, without root rights and without /var."""

import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from run.servers.keys import Keys
from run.servers.ports import kept_ports
from run.servers.process import Command, Server, ServerMissing, plain_environment
from run.servers.relocated import Relocated

_GREETING = b"AMQP\x00\x00\x09\x01"  # protocol header of AMQP 0-9-1; the answer is a method frame, type 1
_METHOD_FRAME = 1
_EPMD_NAMES = b"\x00\x01\x6e"  # EPMD_NAMES_REQ ("n") with its length, of Erlang's distribution protocol
# Where packages put the server itself. Debian's /usr/sbin/rabbitmq-server is another thing: a wrapper that changes to
# the user `rabbitmq` and works in /var.
_HOMES = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A RabbitMQ server script, and the folder of the Erlang commands it needs on PATH (None: they are there)."""

    server: Path
    erlang: Path | None = None


class RabbitMQ(Server):
    """One RabbitMQ node with a user of its own; started means that it greets AMQP clients.

    User and password are made at random and kept in the folder, since a node takes them over at its first start only.
    A folder that finds its old ports taken comes up on new ones with the same queues. The management plugin is off.
    `settings`: further lines for `rabbitmq.conf`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keys: Keys | None = None,
        installation: Installation | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        folder = folder.absolute()
        found = installation or find_rabbitmq()
        self.keys = keys or Keys.kept_in(folder / "keys.json")
        self.ports = kept_ports(folder, 3)
        self.port, epmd_port, distribution_port = self.ports
        self._settings = _settings(self.port, self.keys, settings)
        self._folder = folder
        environment = _environment(folder, found, epmd_port=epmd_port, distribution_port=distribution_port)
        self.names = _epmd(folder, found, epmd_port, environment)
        super().__init__(
            name="rabbitmq",
            command=Command(argv=(str(found.server),), env=environment, cwd=folder),
            log=folder / "rabbitmq.log",
            ready=lambda: greets(self.port),
            start_within=timedelta(seconds=90),
            stop_within=timedelta(seconds=30),
        )

    @property
    def url(self) -> str:
        """Address with user and password, of the default virtual host."""
        return f"amqp://{self.keys.name}:{self.keys.secret}@127.0.0.1:{self.port}/%2F"

    def start(self) -> None:
        """Start the name server and the node. Raises ServerFailed."""
        if self.running:
            return
        _write_configuration(self._folder, self._settings)
        self.names.start()
        super().start()

    def stop(self) -> None:
        """Stop the node, then its name server."""
        super().stop()
        self.names.stop()

    def kill(self) -> None:
        """Kill the node as a crash would, and its name server with it."""
        super().kill()
        self.names.kill()


def greets(port: int) -> bool:
    """Tell whether an AMQP 0-9-1 server on 127.0.0.1:port offers to begin a connection."""
    return _answers(port, _GREETING, lambda reply: reply[0] == _METHOD_FRAME)


def find_rabbitmq() -> Installation:
    """Return the RabbitMQ to run: the one fetched into `project/.cache`, else the machine's. Raises ServerMissing."""
    fetched = Relocated.find()
    if fetched is not None:
        return Installation(server=fetched.rabbitmq_server, erlang=fetched.erlang_bin)
    for home in _HOMES:
        server = Path(home) / "rabbitmq-server"
        if server.is_file() and (shutil.which("erl") or Path("/opt/homebrew/bin/erl").exists()):
            return Installation(server=server)
    raise ServerMissing(
        "RabbitMQ is not on this machine; `python -m run.servers.fetch rabbitmq` fetches it where apt-get is"
    )


def _epmd(folder: Path, found: Installation, port: int, environment: dict[str, str]) -> Server:
    """Return Erlang's name server as a child of ours; left to itself, the node would start one that outlives it."""
    path = environment["PATH"]
    program = shutil.which("epmd", path=path) or _beside_runtime(found)
    if program is None:
        raise ServerMissing(f"epmd, which belongs to Erlang, is not on PATH ({path})")
    return Server(
        name="epmd",
        command=Command(argv=(program, "-port", str(port), "-address", "127.0.0.1"), env=environment, cwd=folder),
        log=folder / "epmd.log",
        ready=lambda: _answers(port, _EPMD_NAMES, lambda reply: len(reply) >= 4),
    )


def _beside_runtime(found: Installation) -> str | None:
    roots = [found.erlang.parent] if found.erlang else [Path("/usr/lib/erlang"), Path("/opt/homebrew/lib/erlang")]
    programs = [str(program) for root in roots for program in sorted(root.glob("erts-*/bin/epmd"))]
    return programs[-1] if programs else None


def _environment(folder: Path, found: Installation, *, epmd_port: int, distribution_port: int) -> dict[str, str]:
    """Return an environment in which every file of the node lies in `folder` and every socket is on the loopback."""
    home = folder / "home"
    plain = plain_environment(home)
    places = {
        "RABBITMQ_CONF_ENV_FILE": "env.conf",
        "RABBITMQ_CONFIG_FILE": "rabbitmq.conf",
        "RABBITMQ_CONFIG_FILES": "none",
        "RABBITMQ_ADVANCED_CONFIG_FILE": "none.config",
        "RABBITMQ_MNESIA_BASE": "mnesia",
        "RABBITMQ_LOG_BASE": "log",
        "RABBITMQ_PID_FILE": "pid",
        "RABBITMQ_ENABLED_PLUGINS_FILE": "enabled_plugins",
        "RABBITMQ_GENERATED_CONFIG_DIR": "config",
        "RABBITMQ_SCHEMA_DIR": "schema",
        "RABBITMQ_FEATURE_FLAGS_FILE": "feature_flags",
    }
    return {
        **plain,
        **{name: str(folder / place) for name, place in places.items()},
        "PATH": f"{found.erlang}{os.pathsep}{plain['PATH']}" if found.erlang else plain["PATH"],
        "RABBITMQ_NODENAME": "reelwork@localhost",  # names the data, so it is the same on every port
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_LOGS": "-",
        # The script then becomes the node instead of waiting for it as a child: one process, one pid to signal.
        "RABBITMQ_ALLOW_INPUT": "true",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 2:2 -noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
        ),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }


def _settings(port: int, keys: Keys, more: Sequence[str]) -> str:
    return "\n".join(
        (
            f"listeners.tcp.1 = 127.0.0.1:{port}",
            f"default_user = {keys.name}",
            f"default_pass = {keys.secret}",
            "log.file = false",
            "log.console = true",
            "disk_free_limit.absolute = 50MB",
            "vm_memory_high_watermark.absolute = 512MB",
            *more,
            "",
        )
    )


def _write_configuration(folder: Path, settings: str) -> None:
    (folder / "home").mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in (("rabbitmq.conf", settings), ("env.conf", ""), ("enabled_plugins", "[].\n")):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)


def _answers(port: int, question: bytes, is_right: Callable[[bytes], bool]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(question)
        reply = connection.recv(64)
        return bool(reply) and is_right(reply)
    return False
