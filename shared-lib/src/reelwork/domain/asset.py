"""An asset: bytes with metadata, put in by a caller or made by a job."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reelwork.domain.ids import AccountId, AssetId, JobId


class AssetState(StrEnum):
    """`staged` is written before the bytes are, so that no object exists without a document that knows it.

    staged -> ready when the bytes belong to somebody, staged -> discarded when they belong to nobody: whichever comes
    first, by compare-and-set. ready -> discarded when whoever they belonged to let them go. Only the bytes of what is
    discarded are ever removed; its document goes after them.
    """

    STAGED = "staged"
    READY = "ready"
    DISCARDED = "discarded"


class Purpose(StrEnum):
    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A job that names the asset and may be stored in a moment, and when it said so (database time)."""

    job: JobId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A stored asset. `key` is the object's key, of our own making: no part of it comes from a caller.

    `expires_at`: when it goes because its owner said so, unless a job that has not ended names it.
    """

    id: AssetId
    account_id: AccountId
    state: AssetState
    purpose: Purpose
    key: str
    content_type: str
    filename: str
    size_bytes: int
    sha256: str
    created_at: datetime
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    job_id: JobId | None = None
    attempt: int | None = None
    naming: tuple[Naming, ...] = ()
    crowded_until: datetime | None = None
    expires_at: datetime | None = None
