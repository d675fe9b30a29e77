"""Accounts and their keys."""

import hashlib
import hmac
import re
import secrets
import string
import uuid
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reelwork.domain.ids import AccountId, KeyId, encode
from reelwork.domain.job import Retention
from reelwork.domain.tier import Tier


class Scope(StrEnum):
    SUBMIT = "submit"
    READ = "read"
    MANAGE = "manage"
    ADMIN = "admin"


# What the owner of an account may do. `admin` is about the installation, and nobody has it by default.
OWNERS_SCOPES = frozenset(Scope) - {Scope.ADMIN}


_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 43  # 62**43 > 2**256
_CHECKSUM_LENGTH = 6  # 62**6 > 2**32
_PLAIN_LENGTH = 64
_LONGEST_ID = 64
# Keys of the systems that Reelwork replaces: words, hexadecimal digits, UUIDs.
_FOREIGN_KEY = re.compile(r"[A-Za-z0-9._-]{8,200}")
# Shorter ones can be guessed from what is stored of them; nobody adopts them but for trying things out.
SHORTEST_ADOPTED = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`retention`: for jobs that ask for none; None in it: what the installation has as default.

    `held_pools`: where its owner holds the queue, since when; `hold_version` grows with every such order.
    `weight`: a share of its own instead of its tier's. `suspended_at`: since then its keys open nothing and its jobs
    wait. `plan_version` grows with every change of these and of the tier. `spend_cap`: its owner's own bound, in
    ten-thousandths of a dollar over the account's whole life.
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
    spend_cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key at rest: `id` is public and part of the key, `digest` is the SHA-256 of its secret part.

    A plain digest suffices because the secret has 256 random bits: there is nothing to guess.

    `models`, `allowed_ips` (addresses or networks): empty where there is no such limit. `spend_cap`: in ten-thousandths
    of a dollar, over the key's whole life. `expires_at`: also how a key that was rotated ends. `spends_as`: of a
    key that took the place of another, the first in that line: what they spend is counted together.
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
    spends_as: KeyId | None = None

    @property
    def purse_id(self) -> KeyId:
        """Under which key's id it is counted what this one spends."""
        return self.spends_as or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key as its owner holds it, taken apart."""

    key_id: KeyId
    secret: str = field(repr=False)


def new_secret() -> str:
    """43 letters and digits, 256 random bits."""
    return "".join(secrets.choice(_BASE62) for _ in range(_SECRET_LENGTH))


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def format_key(key_id: KeyId, secret: str) -> str:
    """What the owner is shown, once: `rw_<id>_<secret><checksum>`. Secrets of 64 characters, as they once were and as
    compose files have them, stand without a checksum."""
    text = f"{key_prefix(key_id)}_{secret}"
    return text if len(secret) == _PLAIN_LENGTH else text + _checksum(text)


def key_prefix(key_id: KeyId) -> str:
    """How a key begins; tells which one it is and opens nothing."""
    return f"rw_{key_id.removeprefix('key_')}"


def parse_key(text: str) -> Credentials | None:
    """The parts of a key, or None for anything that cannot be one: no look-up is spent on a mistyped key."""
    parts = text.split("_", 3)
    if len(parts) != 3 or parts[0] != "rw" or not text.isascii():
        return None
    _, key_id, shown = parts
    if not (key_id.isalnum() and len(key_id) <= _LONGEST_ID and shown.isalnum()):
        return None
    if len(shown) == _PLAIN_LENGTH:
        return Credentials(key_id=KeyId(f"key_{key_id}"), secret=shown)
    if len(shown) != _SECRET_LENGTH + _CHECKSUM_LENGTH or _checksum(text[:-_CHECKSUM_LENGTH]) != shown[_SECRET_LENGTH:]:
        return None
    return Credentials(key_id=KeyId(f"key_{key_id}"), secret=shown[:_SECRET_LENGTH])


def credentials_of(text: str) -> Credentials | None:
    """What opens a key: ours taken apart, or one that another system gave and that was adopted here; None for neither.

    An adopted key is its own secret, and its id is drawn from it, so that it can be found by it alone.
    """
    if text.startswith("rw_"):
        return parse_key(text)
    if _FOREIGN_KEY.fullmatch(text) is None:
        return None
    drawn = hashlib.sha256(b"reelwork adopted key\0" + text.encode()).digest()
    return Credentials(key_id=KeyId(f"key_{encode(uuid.UUID(bytes=drawn[:16]))}"), secret=text)


def opens(key: ApiKey, credentials: Credentials) -> bool:
    """Whether the credentials are this key's; takes the same time for every wrong secret."""
    return hmac.compare_digest(key.digest, digest(credentials.secret)) and not key.revoked


def _checksum(text: str) -> str:
    """CRC-32 of the text in six characters: any two neighbours swapped or one character mistyped shows."""
    number, letters = zlib.crc32(text.encode()), []
    for _ in range(_CHECKSUM_LENGTH):
        number, letter = divmod(number, len(_BASE62))
        letters.append(_BASE62[letter])
    return "".join(reversed(letters))
