"""The development account: made at the first start, its key kept in a file that only its owner reads."""

import asyncio
import os
from pathlib import Path

from gateway.account import key_works, new_key
from reelwork.domain.tier import Tier
from reelwork.runtime.settings import SharedSettings
from reelwork.store.accounts import Accounts
from reelwork.store.client import open_database
from reelwork.store.indexes import ensure_indexes


def development_key(path: Path) -> None:
    """See to it that `path` holds a key of the development account that works; settings come from the environment."""
    kept = path.read_text().strip() if path.exists() else ""
    key = asyncio.run(_development_key(kept))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")


async def _development_key(kept: str) -> str:
    settings = SharedSettings()  # type: ignore[call-arg]  # from the environment
    async with open_database(settings.mongo()) as database:
        await ensure_indexes(database)
        accounts = Accounts(database)
        if await key_works(accounts, kept):
            return kept
        return await new_key(accounts, name="development", tier=Tier.ENTERPRISE, admin=True)
