"""The audit log on the wire."""

from typing import Literal

from reelwork.contract.base import Timestamp, Wire


class AuditActor(Wire):
    """Who did it: a key over HTTP, or whoever runs the installation. `ip`: where the request came from."""

    kind: Literal["key", "installation"]
    key_id: str | None
    ip: str | None


class AuditEntryView(Wire):
    """One act. `hash` is the SHA-256 over everything else in it; `previous` is the hash of the entry before it."""

    object: Literal["audit_entry"] = "audit_entry"
    seq: int
    at: Timestamp
    actor: AuditActor
    action: str
    target: str
    details: dict[str, str]
    previous: str
    hash: str


class AuditVerification(Wire):
    """Whether every entry of the chain is as it was written. Keep `head_seq` and `head_hash` elsewhere, and you can
    tell later whether its end was cut off. `broken_at`: the number of the first entry that does not fit."""

    holds: bool
    broken_at: int | None
    head_seq: int
    head_hash: str


class AuditPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first.

    `verification`: with `verify=true` only.
    """

    items: list[AuditEntryView]
    next_cursor: str | None
    has_more: bool
    verification: AuditVerification | None = None
