"""The development account: made at the first start, its key kept in a file that only its owner reads."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

from reelwork.domain.account import Account, ApiKey, Scope, digest, format_key, new_secret, opens, parse_key
from reelwork.domain.ids import new_account_id, new_key_id
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
        if await _works(accounts, kept):
            return kept
        return await new_key(accounts, name="development", tier=Tier.ENTERPRISE)


async def new_key(accounts: Accounts, *, name: str, tier: Tier) -> str:
    """A new key with every scope for the account of this name, which is made if it is not there.

    The key is in the answer and nowhere else: only its digest is stored.
    """
    now = datetime.now(UTC)
    account = await accounts.add(Account(id=new_account_id(), name=name, tier=tier, created_at=now))
    key_id, secret = new_key_id(), new_secret()
    key = ApiKey(id=key_id, account_id=account.id, digest=digest(secret), scopes=frozenset(Scope), created_at=now)
    await accounts.add_key(key)
    return format_key(key_id, secret)


async def _works(accounts: Accounts, text: str) -> bool:
    credentials = parse_key(text)
    key = await accounts.key(credentials.key_id) if credentials is not None else None
    return credentials is not None and key is not None and opens(key, credentials)
