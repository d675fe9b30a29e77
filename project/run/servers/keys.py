"""Credentials of a private server: made at random once per data folder, kept in a file that only its owner reads."""

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A name and its secret; the secret is left out of `repr` so that it reaches no log."""

    name: str
    secret: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        """Make new random keys: 80 bits of name, 160 bits of secret, both plain enough for any URL or S3 client."""
        return cls(name=f"rw{secrets.token_hex(10)}", secret=secrets.token_hex(20))

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """Return the keys in this file (JSON, mode 0600); make them the first time.

        Raises ValueError if the file is there but is not what this function wrote: a server that was set up with lost
        keys cannot be opened with new ones.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write(path, cls.fresh())
        try:
            fields = json.loads(path.read_text())
            return cls(name=fields["name"], secret=fields["secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no keys; remove the data folder {path.parent} to begin anew") from error


def _write(path: Path, keys: Keys) -> None:
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"name": keys.name, "secret": keys.secret}, file)
    draft.replace(path)
