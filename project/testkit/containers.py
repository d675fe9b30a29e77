"""The same servers in Docker, through testcontainers, for machines that have an engine.

Each container listens on a port of 127.0.0.1 that is chosen once, so that a restart keeps the address: an engine gives
a random published port anew at every start. For the same reason MongoDB listens on that very port inside: its replica
set configuration names it, and must hold on both sides.
"""

import functools
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from testcontainers.core.container import DockerContainer

from run.servers.keys import Keys
from run.servers.mongod import become_primary
from run.servers.ports import free_port
from run.servers.process import ServerFailed
from run.servers.rabbitmq import greets
from run.servers.seaweedfs import s3_client, s3_is_ready
from run.servers.valkey import pongs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SWITCH = "REELWORK_TEST_DOCKER"
_READY_WITHIN = timedelta(seconds=120)
_POLL = 0.1  # seconds


class EngineMissing(Exception):
    """No Docker engine of this machine answers, it is switched off for tests, or it has no such image."""


class ContainerServer:
    """A server in a container, with the verbs of `run.servers.Server`. Raises EngineMissing when made in vain."""

    def __init__(
        self, *, name: str, container: DockerContainer, port: tuple[int, int], ready: Callable[[], bool]
    ) -> None:
        self.name = name
        self._ready = ready
        self._container = container
        inside, outside = port
        # The declared type knows no addresses; the engine's API does, and without one it would publish to the network.
        cast("dict[str, object]", container.ports)[str(inside)] = ("127.0.0.1", outside)
        try:
            container.start()
        except OSError as error:  # what the engine's refusals are, such as an image that cannot be had
            container.stop()
            raise EngineMissing(f"Docker cannot start {container.image}: {error}") from error

    def start(self) -> None:
        """Start unless it runs, and wait until ready. Raises ServerFailed."""
        self._engine.start()
        deadline = time.monotonic() + _READY_WITHIN.total_seconds()
        pause = threading.Event()
        while not self._ready():
            self._engine.reload()
            if self._engine.status == "exited" or time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self.name} is {self._engine.status} and not ready; the end of its log:\n{self._tail()}"
                )
            pause.wait(_POLL)

    def stop(self) -> None:
        """Remove the container with its data; there is no starting again."""
        self._container.stop()

    def kill(self) -> None:
        """End it by SIGKILL; its data stay."""
        self._engine.kill()

    def restart(self) -> None:
        """Stop it in order and start it on the same data."""
        self._engine.stop()
        self.start()

    def pause(self) -> None:
        """Freeze all its processes."""
        self._engine.pause()

    def resume(self) -> None:
        """Let them go on."""
        self._engine.unpause()

    def _tail(self) -> str:
        return str(self._engine.logs(tail=40).decode(errors="replace"))

    @property
    def _engine(self) -> Any:  # a container of the docker package, which publishes no types
        return self._container.get_wrapped_container()


class MongoContainer(ContainerServer):
    """MongoDB as in the compose files, a replica set of one."""

    def __init__(self, _folder: Path) -> None:
        require_engine()
        port = free_port()
        # The image's entry point adds the address to bind to.
        command = f"mongod --replSet rs0 --port {port} --setParameter ttlMonitorSleepSecs=5"
        self.url = f"mongodb://127.0.0.1:{port}/?replicaSet=rs0"
        super().__init__(
            name="mongo",
            container=DockerContainer("mongo:8.0").with_command(command),
            port=(port, port),
            ready=functools.partial(become_primary, port),
        )


class RabbitContainer(ContainerServer):
    """RabbitMQ as in the compose files."""

    def __init__(self, _folder: Path) -> None:
        require_engine()
        port, keys = free_port(), Keys.fresh()
        self.url = f"amqp://{keys.name}:{keys.secret}@127.0.0.1:{port}/%2F"
        super().__init__(
            name="rabbitmq",
            container=DockerContainer("rabbitmq:4.3-management").with_envs(
                RABBITMQ_DEFAULT_USER=keys.name, RABBITMQ_DEFAULT_PASS=keys.secret
            ),
            port=(5672, port),
            ready=functools.partial(greets, port),
        )


class ValkeyContainer(ContainerServer):
    """Valkey as in the compose files."""

    def __init__(self, _folder: Path) -> None:
        require_engine()
        port, keys = free_port(), Keys.fresh()
        self.url = f"redis://:{keys.secret}@127.0.0.1:{port}/0"
        command = f"valkey-server --requirepass {keys.secret} --appendonly yes"
        super().__init__(
            name="valkey",
            container=DockerContainer("valkey/valkey:9.0-alpine").with_command(command),
            port=(6379, port),
            ready=functools.partial(pongs, port, keys.secret),
        )


class LocalStackContainer(ContainerServer):
    """LocalStack's S3, told to check signatures; it keeps objects in memory, so they do not outlive a restart."""

    region = "us-east-1"

    def __init__(self, _folder: Path) -> None:
        require_engine()
        port = free_port()
        self.keys = Keys(name="test", secret="test")  # the only pair whose signatures LocalStack can check
        self.endpoint_url = f"http://127.0.0.1:{port}"
        super().__init__(
            name="localstack",
            container=DockerContainer("localstack/localstack:4.14").with_envs(
                SERVICES="s3", EAGER_SERVICE_LOADING="1", S3_SKIP_SIGNATURE_VALIDATION="0", DISABLE_EVENTS="1"
            ),
            port=(4566, port),
            ready=functools.partial(s3_is_ready, self.endpoint_url, self.keys),
        )

    def client(self) -> "S3Client":
        """Return a new boto3 client; the caller closes it."""
        return s3_client(self.endpoint_url, self.keys)


def require_engine() -> None:
    """Raise EngineMissing unless a Docker engine of this machine may be used and answers."""
    reason = _why_no_engine(os.environ.get(SWITCH, ""), os.environ.get("DOCKER_HOST", ""))
    if reason:
        raise EngineMissing(reason)


@functools.cache
def _why_no_engine(switch: str, host: str) -> str:
    if switch == "0":
        return f"Docker is switched off by {SWITCH}=0"
    scheme, _, path = (host or "unix:///var/run/docker.sock").partition("://")
    if scheme != "unix":
        return "the Docker engine is on another machine, its ports are not ours"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(3)
            connection.connect(path)
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            answer = connection.recv(64)
    except OSError as error:
        return f"no Docker engine answers at {path} ({error.strerror or error})"
    return "" if b" 200 " in answer else f"the Docker engine at {path} is not well: {answer!r}"
