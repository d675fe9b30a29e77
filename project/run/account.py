"""The development account: made at the first start, its key kept in a file that only its owner reads.

`python -m run.account create --name studio` does what `python -m gateway.account` does, on what `make run` runs.
"""

import asyncio
import os
import secrets
import sys
from pathlib import Path

from gateway import account
from gateway.account import key_works, new_key
from reelwork.domain.tier import Tier
from reelwork.runtime.settings import MongoSettings
from reelwork.store.accounts import Accounts
from reelwork.store.audit import AuditLog
from reelwork.store.client import open_database
from reelwork.store.indexes import ensure_indexes
from run.servers.mongod import running_url

DATA = Path(__file__).resolve().parent.parent / ".run"


def development_key(path: Path) -> None:
    """See to it that `path` holds a key of the development account that works; settings come from the environment."""
    kept = path.read_text().strip() if path.exists() else ""
    _keep(path, asyncio.run(_development_key(kept)))


def signing_secret(path: Path) -> str:
    """The secret that signing keys are sealed under: what `path` holds, or a new one, which it holds from now on."""
    kept = path.read_text().strip() if path.exists() else ""
    secret = kept or secrets.token_hex(32)
    _keep(path, secret)
    return secret


def _keep(path: Path, secret: str) -> None:
    """In a file that only its owner reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")


async def _development_key(kept: str) -> str:
    settings = MongoSettings()  # type: ignore[call-arg]  # from the environment
    async with open_database(settings.mongo()) as database:
        await ensure_indexes(database)
        accounts = Accounts(database)
        if await key_works(accounts, kept):
            return kept
        return await new_key(accounts, name="development", tier=Tier.ENTERPRISE, admin=True, audit=AuditLog(database))


def main() -> int:
    """With the settings of the environment where it has them, else on what runs on the data folder of `make run`."""
    if not os.environ.get("REELWORK_MONGO_URL"):
        folder = Path(os.environ.get("DATA") or DATA)
        url = running_url(folder / "mongod")
        if url is None:
            sys.stderr.write(f"Nothing runs on {folder}. Start it first, in another window: make run\n")
            return 2
        os.environ["REELWORK_MONGO_URL"] = url
    return account.main()


if __name__ == "__main__":
    sys.exit(main())
