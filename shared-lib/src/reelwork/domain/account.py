"""Accounts and their keys."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reelwork.domain.ids import AccountId, KeyId
from reelwork.domain.job import Retention
from reelwork.domain.tier import Tier


class Scope(StrEnum):
    SUBMIT = "submit"
    READ = "read"
    MANAGE = "manage"
    ADMIN = "admin"


# What the owner of an account may do. `admin` is about the installation, and nobody has it by default.
OWNERS_SCOPES = frozenset(Scope) - {Scope.ADMIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`retention`: for jobs that ask for none; None in it: what the installation has as default.

    `held_pools`: where its owner holds the queue, since when; `hold_version` grows with every such order.
    `weight`: a share of its own instead of its tier's. `suspended_at`: since then its keys open nothing and its jobs
    wait. `plan_version` grows with every change of these and of the tier.
    """

    id: AccountId
    name: str
    tier: Tier
    created_at: datetime
    retention: Retention = field(default_factory=Retention)
    held_pools: dict[str, datetime] = field(default_factory=dict)
    hold_version: int = 0
    plan_version: int = 0
    weight: int | None = None
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key at rest: `id` is public and part of the key, `digest` is the SHA-256 of its secret part.

    A plain digest suffices because the secret has 256 random bits: there is nothing to guess.

    `models`, `allowed_ips` (addresses or networks): empty where there is no such limit. `spend_cap`: in ten-thousandths
    of a dollar, over the key's whole life. `expires_at`: also how a key that was rotated ends.
    """

    id: KeyId
    account_id: AccountId
    digest: str
    scopes: frozenset[Scope]
    created_at: datetime
    revoked: bool = False
    name: str = ""
    models: tuple[str, ...] = ()
    allowed_ips: tuple[str, ...] = ()
    spend_cap: int | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    replaced_by: KeyId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key as its owner holds it, taken apart."""

    key_id: KeyId
    secret: str


def new_secret() -> str:
    return secrets.token_hex(32)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def format_key(key_id: KeyId, secret: str) -> str:
    """What the owner is shown, once."""
    return f"rw_{key_id.removeprefix('key_')}_{secret}"


def parse_key(text: str) -> Credentials | None:
    """The parts of a key, or None for anything that cannot be one."""
    parts = text.split("_")
    if len(parts) != 3 or parts[0] != "rw" or not parts[1].isalnum() or len(parts[2]) != 64:
        return None
    if not (text.isascii() and parts[2].isalnum()):
        return None
    return Credentials(key_id=KeyId(f"key_{parts[1]}"), secret=parts[2])


def opens(key: ApiKey, credentials: Credentials) -> bool:
    """Whether the credentials are this key's; takes the same time for every wrong secret."""
    return hmac.compare_digest(key.digest, digest(credentials.secret)) and not key.revoked
