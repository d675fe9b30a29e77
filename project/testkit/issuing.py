"""Keys for tests, made as operators make them."""

from datetime import UTC, datetime

from gateway.account import new_key
from reelwork.domain.account import OWNERS_SCOPES, ApiKey, Scope, digest, format_key, new_secret, parse_key
from reelwork.domain.ids import new_key_id
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts


async def key_for(accounts: Accounts, name: str, tier: Tier, scopes: frozenset[Scope]) -> str:
    """A new key with these scopes, of the account of this name, which is made if it is not there."""
    key = await new_key(accounts, name=name, tier=tier)
    credentials = parse_key(key)
    if scopes == OWNERS_SCOPES or credentials is None:
        return key
    whole = await accounts.key(credentials.key_id)
    assert whole is not None, "it was stored a moment ago"
    key_id, secret = new_key_id(), new_secret()
    limited = ApiKey(
        id=key_id, account_id=whole.account_id, digest=digest(secret), scopes=scopes, created_at=datetime.now(UTC)
    )
    await accounts.add_key(limited)
    return format_key(key_id, secret)
