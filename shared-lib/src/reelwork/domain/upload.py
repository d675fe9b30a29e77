"""An upload: bytes on their way into the object store, straight from the client, in one piece or in numbered parts."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reelwork.domain.ids import AccountId, AssetId, UploadId, asset_of_upload

# S3's own bounds: every part but the last has from 5 MiB to 5 GiB, and there are at most 10,000.
SMALLEST_PART_BYTES = 5 * 1024 * 1024
LARGEST_PART_BYTES = 5 * 1024**3
MOST_PARTS = 10_000
_PART_STEP_BYTES = 1024 * 1024
# How long a check of stored bytes may take at most, and how long after its end an upload is swept: longer than that,
# so that nobody sweeps what somebody still checks.
LONGEST_CHECK = timedelta(hours=1)
SWEPT_AFTER = timedelta(hours=2)


class UploadState(StrEnum):
    """open -> checking -> completed | failed, checking -> open when the store went away, open -> aborted.

    `checking` holds a lease: whoever finds it lapsed takes over.
    """

    OPEN = "open"
    CHECKING = "checking"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why stored bytes became no asset: the error's code, the field of the upload that they are held against, a code
    and the cure. Kept, so that whoever asks again gets the same answer."""

    error: str
    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """How an upload is cut: `count` parts of `size_bytes` each, but for the last one, which has the rest."""

    size_bytes: int
    count: int
    total_bytes: int

    @classmethod
    def of(cls, total_bytes: int, *, wanted_bytes: int) -> "Parts":
        """Parts of the wanted size, or of the least size in whole MiB with which there are not too many."""
        least = math.ceil(total_bytes / MOST_PARTS / _PART_STEP_BYTES) * _PART_STEP_BYTES
        size = max(wanted_bytes, least, SMALLEST_PART_BYTES)
        return cls(size_bytes=size, count=math.ceil(total_bytes / size), total_bytes=total_bytes)

    def bytes_of(self, number: int) -> int:
        """The size of one part; numbers begin with 1."""
        return min(self.size_bytes, self.total_bytes - (number - 1) * self.size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """What goes in parts. `name` is the object store's own, for what it has of them."""

    name: str
    part_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What was declared, and how far it is. `key` is where the bytes go: no part of it comes from a caller.

    `multipart` is None for what goes in one piece.
    """

    id: UploadId
    account_id: AccountId
    state: UploadState
    key: str
    content_type: str
    filename: str
    size_bytes: int
    sha256: str
    created_at: datetime
    expires_at: datetime
    multipart: Multipart | None = None
    lease_until: datetime | None = None
    refusal: Refusal | None = None

    @property
    def asset_id(self) -> AssetId:
        """Of the asset that it becomes."""
        return asset_of_upload(self.id)

    def is_over(self, now: datetime) -> bool:
        """Whether its time was up before it ended, at `now` (database time). A check that somebody is at goes on."""
        waits = self.state is UploadState.OPEN
        lapsed = self.state is UploadState.CHECKING and self.lease_until is not None and self.lease_until < now
        return self.expires_at <= now and (waits or lapsed)

    @property
    def parts(self) -> Parts | None:
        """How it is cut; None for one piece."""
        if self.multipart is None:
            return None
        return Parts.of(self.size_bytes, wanted_bytes=self.multipart.part_bytes)
