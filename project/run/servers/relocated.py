"""RabbitMQ and its Erlang out of Debian packages, unpacked into a folder of the project and made to run there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOME = Path(__file__).resolve().parents[2] / ".cache" / "rabbitmq"
RECORD = "relocated.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocated:
    """An unpacked RabbitMQ. The folder's own path is written into its programs, so it works in that place only."""

    root: Path

    @classmethod
    def find(cls, home: Path = HOME) -> Self | None:
        """Return what `fetch` left in this folder; None if nothing, or if the folder has been moved since."""
        try:
            place = json.loads((home / RECORD).read_text())["root"]
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return cls(root=home) if place == str(home) else None

    @property
    def rabbitmq_server(self) -> Path:
        """The script that becomes the node."""
        return next(iter(sorted(self.root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))))

    @property
    def erlang_bin(self) -> Path:
        """The folder of `erl`, to be put on PATH."""
        return self.root / "usr/lib/erlang/bin"
