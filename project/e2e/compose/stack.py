"""A compose stack with a name, ports, secrets and volumes of its own."""

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from run.servers.ports import free_ports

PROJECT = Path(__file__).resolve().parent.parent.parent
LEASE_SECONDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeStack:
    """`run` is `docker compose` for this stack; `url` is the page's origin, `key` the development account's key."""

    name: str
    env_file: Path
    page_port: int
    s3_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.page_port}"

    @property
    def key(self) -> str:
        return self.settings["REELWORK_DEVELOPMENT_KEY"]

    @property
    def settings(self) -> dict[str, str]:
        lines = (line for line in self.env_file.read_text().splitlines() if line and not line.startswith("#"))
        return dict(line.split("=", 1) for line in lines)

    def run(self, *arguments: str) -> str:
        """What the command wrote. Raises CalledProcessError, with what it complained about in its notes."""
        command = ["docker", "compose", "--project-name", self.name, "--env-file", str(self.env_file), *arguments]
        return _output(command)

    def containers(self) -> list[dict[str, Any]]:
        """Every container, ended ones too, as `docker compose ps` describes them (its own fields)."""
        return [json.loads(line) for line in self.run("ps", "--all", "--format", "json").splitlines()]

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of the service's first container (the engine's own fields)."""
        container = self.run("ps", "--all", "--quiet", service).split()[0]
        described: list[dict[str, Any]] = json.loads(_output(["docker", "inspect", container]))
        return described[0]

    def kill(self, container: str) -> None:
        """End a container at once, as a machine that loses its power does."""
        _output(["docker", "kill", container])


@contextmanager
def running_stack(folder: Path, **settings: object) -> Iterator[ComposeStack]:
    """Build, start and wait until every service is healthy; at the end containers, networks and volumes are gone.

    `settings`: what `.env` says otherwise than the example.
    """
    page, s3, rabbitmq = free_ports(3)
    name = f"reelwork-test-{uuid.uuid4().hex[:8]}"
    stack = ComposeStack(name=name, env_file=folder / ".env", page_port=page, s3_port=s3)
    write_env(stack.env_file)
    _change(stack.env_file, PAGE_PORT=page, S3_PORT=s3, RABBITMQ_PAGE_PORT=rabbitmq, **settings)
    with stack.env_file.open("a") as file:
        file.write(f"REELWORK_LEASE_SECONDS={LEASE_SECONDS}\n")
    try:
        stack.run("up", "--detach", "--build", "--wait")
        yield stack
    finally:
        stack.run("down", "--volumes", "--timeout", "5")


def write_env(file: Path) -> None:
    """The settings of a new installation, with secrets of its own."""
    _output(["/bin/sh", str(PROJECT / "docker" / "init-env.sh"), str(file)])


def _change(env_file: Path, **values: object) -> None:
    text = env_file.read_text()
    for name, value in values.items():
        text = re.sub(rf"(?m)^{name}=.*$", f"{name}={value}", text)
    env_file.write_text(text)


def _output(command: list[str]) -> str:
    # Compose lets the shell's variables win over the file's: only what leads to the engine is passed on.
    kept = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(  # noqa: S603  our own arguments
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(done.stderr[-4000:])
        raise error
    return done.stdout
