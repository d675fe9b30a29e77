"""The audit log: who did what to keys, accounts and the installation, in chains that tell when they were changed.

Each entry carries the hash of the one before it, so that nobody alters or removes an entry in the middle without every
later hash being wrong. What a chain cannot show by itself is that its last entries are missing: whoever wants to see
that keeps a `head` (number and hash) elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from reelwork.domain.ids import AccountId, KeyId

# The chain of what is about no single account. No account's id looks like this.
INSTALLATION = "installation"
# What the first entry of a chain has as the hash before it.
NOTHING_BEFORE = "0" * 64


class Action(StrEnum):
    """Everything that is recorded."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_TIER_CHANGED = "account.tier_changed"
    ACCOUNT_SUSPENDED = "account.suspended"
    ACCOUNT_RESUMED = "account.resumed"
    ACCOUNT_CREDITED = "account.credited"
    JOB_REFUNDED = "job.refunded"
    KEY_CREATED = "key.created"
    KEY_CHANGED = "key.changed"
    KEY_REVOKED = "key.revoked"
    KEY_ROTATED = "key.rotated"
    SIGNING_KEY_ROTATED = "signing_key.rotated"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_REMOVED = "webhook.removed"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105  (the name of an act)
    WEBHOOK_SIGNING_SECRET_ROTATED = "webhook.signing_secret_rotated"  # noqa: S105  (likewise)
    QUEUE_CHANGED = "queue.changed"
    QUEUE_HELD = "queue.held"
    QUEUE_RELEASED = "queue.released"
    WORKER_DRAINED = "worker.drained"
    WORKER_UNDRAINED = "worker.undrained"
    SIMULATION_RUN = "simulation.run"


class ActorKind(StrEnum):
    """A key over HTTP, or whoever runs the installation, from its command line."""

    KEY = "key"
    INSTALLATION = "installation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it. `ip`: the client's address, None where there was none."""

    kind: ActorKind
    key_id: KeyId | None = None
    ip: str | None = None


# Whoever runs the installation, at its command line or as seen by an account that it concerns.
THE_INSTALLATION = Actor(kind=ActorKind.INSTALLATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. `target`: the id or name of what it was done to; `details`: what changed, never a secret.

    `seq` counts from 1 in its chain. `previous` is the hash of the entry before, `hash` the SHA-256 of all the rest.
    """

    id: str
    chain: str
    seq: int
    at: datetime
    account_id: AccountId | None
    actor: Actor
    action: Action
    target: str
    details: dict[str, str]
    previous: str
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of a chain: how many there are, and its hash."""

    seq: int = 0
    hash: str = NOTHING_BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`broken_at`: the number of the first entry that does not fit; None where the whole chain holds.

    `head`: the last entry that fits.
    """

    head: Head
    broken_at: int | None = None


def chain_of(account: AccountId | None) -> str:
    return account if account is not None else INSTALLATION


def next_entry(
    head: Head,
    *,
    account: AccountId | None,
    at: datetime,
    actor: Actor,
    action: Action,
    target: str,
    details: Mapping[str, str],
) -> AuditEntry:
    """The entry after `head`. `at` counts in whole milliseconds, as the store keeps it."""
    chain, seq = chain_of(account), head.seq + 1
    entry = AuditEntry(
        id=f"{chain}:{seq}",
        chain=chain,
        seq=seq,
        at=at.replace(microsecond=at.microsecond // 1000 * 1000),
        account_id=account,
        actor=actor,
        action=action,
        target=target,
        details=dict(details),
        previous=head.hash,
    )
    return replace(entry, hash=hash_of(entry))


def hash_of(entry: AuditEntry) -> str:
    """SHA-256 in hex over everything but the hash itself, as JSON with sorted names and no blanks, in UTF-8."""
    content = asdict(entry) | {"at": entry.at.astimezone(UTC).isoformat(timespec="milliseconds")}
    content.pop("hash")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def follows(head: Head, entry: AuditEntry) -> bool:
    """Whether the entry is the one after `head`, unaltered."""
    return entry.seq == head.seq + 1 and entry.previous == head.hash and entry.hash == hash_of(entry)
