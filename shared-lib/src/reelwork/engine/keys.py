"""Making, changing, replacing and revoking keys. Each act is in the audit log before it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reelwork.domain.access import MOST_KEYS, Powers
from reelwork.domain.account import ApiKey, digest, format_key, new_secret
from reelwork.domain.audit import Action, Actor
from reelwork.domain.errors import InvalidState, KeyNotFound
from reelwork.domain.ids import AccountId, KeyId, new_key_id
from reelwork.domain.money import dollars
from reelwork.store.stores import Stores

LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `text` is what its owner is shown; it is nowhere else."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id})"


async def create_key(stores: Stores, account: AccountId, actor: Actor, powers: Powers) -> NewKey:
    """Raises InvalidState when the account has `MOST_KEYS` live keys, StoreUnavailable."""
    new = _new(account, powers)
    await stores.audit.record(account, actor, Action.KEY_CREATED, new.key.id, described(powers))
    await _add(stores, new)
    return new


async def change_key(stores: Stores, key: ApiKey, actor: Actor, powers: Powers) -> ApiKey:
    """Raises InvalidState for a key that has ended, or was changed meanwhile."""
    await stores.audit.record(key.account_id, actor, Action.KEY_CHANGED, key.id, described(powers))
    changed = await stores.keys.change(key.account_id, key.id, key, powers)
    if changed is None:
        raise _not_now(key.id, "was changed meanwhile, has expired or was revoked")
    return changed


async def rotate_key(stores: Stores, key: ApiKey, actor: Actor, *, overlap: timedelta) -> tuple[NewKey, ApiKey]:
    """A new key that may do the same, and the old one, which ends after `overlap`. What both spend is one count.

    The new one is stored first, so that a crash in between takes no key from anybody: it leaves one whose secret
    nobody knows. Raises InvalidState for a key that has ended or was replaced before, StoreUnavailable.
    """
    if key.revoked or key.replaced_by is not None:
        raise _not_now(key.id, "was replaced before, has expired or was revoked")
    new = _new(key.account_id, Powers.of(key), spends_as=key.purse_id)
    told = {"replaced_by": new.key.id, "overlap_seconds": str(int(overlap.total_seconds()))}
    await stores.audit.record(key.account_id, actor, Action.KEY_ROTATED, key.id, told)
    await _add(stores, new)
    old = await stores.keys.replace(key.account_id, key.id, new.key.id, overlap=overlap)
    if old is None:
        await stores.keys.revoke(key.account_id, new.key.id)
        raise _not_now(key.id, "was replaced before, has expired or was revoked")
    return new, old


async def revoke_key(stores: Stores, key: ApiKey, actor: Actor) -> None:
    """Safe to repeat; only the first time is recorded."""
    if not key.revoked:
        await stores.audit.record(key.account_id, actor, Action.KEY_REVOKED, key.id, {"name": key.name})
        await stores.keys.revoke(key.account_id, key.id)


def described(powers: Powers) -> Mapping[str, str]:
    """What the audit log says of a key; what it is not bound by is left out."""
    words = {
        "name": powers.name,
        "scopes": " ".join(sorted(powers.scopes)),
        "models": " ".join(powers.models),
        "allowed_ips": " ".join(powers.allowed_ips),
        "spend_cap": dollars(powers.spend_cap) if powers.spend_cap is not None else "",
        "expires_at": powers.expires_at.isoformat() if powers.expires_at is not None else "",
    }
    return {name: text for name, text in words.items() if text}


def key_not_found(key: str) -> KeyNotFound:
    """The same words for an id that does not exist and for one that belongs to somebody else."""
    return KeyNotFound(f"There is no key {key[:100]!r} in your account.", hint="GET /v1/keys lists them.")


def _new(account: AccountId, powers: Powers, *, spends_as: KeyId | None = None) -> NewKey:
    key_id, secret = new_key_id(), new_secret()
    key = ApiKey(
        id=key_id,
        account_id=account,
        digest=digest(secret),
        created_at=datetime.now(UTC),
        name=powers.name,
        scopes=powers.scopes,
        models=powers.models,
        allowed_ips=powers.allowed_ips,
        spend_cap=powers.spend_cap,
        expires_at=powers.expires_at,
        spends_as=spends_as,
    )
    return NewKey(key, format_key(key_id, secret))


async def _add(stores: Stores, new: NewKey) -> None:
    if not await stores.keys.add(new.key):
        raise InvalidState(f"The account has {MOST_KEYS} keys, which is the most.", hint="Revoke one that is not used.")


def _not_now(key: KeyId, why: str) -> InvalidState:
    return InvalidState(f"The key {key} {why}.", hint=f"GET /v1/keys/{key} tells how it is now.")
