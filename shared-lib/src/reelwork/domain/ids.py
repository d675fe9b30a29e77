"""Identifiers: a prefix that names the kind, then a UUIDv7 in Crockford base32, so that ids sort by creation time.

UUIDv7: RFC 9562 section 5.7. Base32 alphabet: Douglas Crockford (crockford.com/base32.html), lower case here.
"""

import hashlib
import math
import os
import time
import uuid
from datetime import datetime
from typing import NewType

AccountId = NewType("AccountId", str)
KeyId = NewType("KeyId", str)
JobId = NewType("JobId", str)
AssetId = NewType("AssetId", str)
UploadId = NewType("UploadId", str)
BatchId = NewType("BatchId", str)
LaneId = NewType("LaneId", str)
WorkerId = NewType("WorkerId", str)
EntryId = NewType("EntryId", str)
WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)
SeriesId = NewType("SeriesId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH = 26  # ceil(128 / 5)


def uuid7() -> uuid.UUID:
    """A time-ordered UUID: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def encode(value: uuid.UUID) -> str:
    """The 26 letters of a UUID; sorts like the UUID."""
    number = value.int
    letters = []
    for _ in range(_LENGTH):
        letters.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(letters))


def decode(letters: str) -> uuid.UUID:
    """The UUID that `encode` wrote. Raises ValueError for anything else."""
    if len(letters) != _LENGTH or any(letter not in _VALUES for letter in letters):
        raise ValueError("not a base32 UUID")
    number = 0
    for letter in letters:
        number = number << 5 | _VALUES[letter]
    if number >> 128:
        raise ValueError("not a base32 UUID")
    return uuid.UUID(int=number)


def new_account_id() -> AccountId:
    return AccountId(f"acct_{encode(uuid7())}")


def new_key_id() -> KeyId:
    return KeyId(f"key_{encode(uuid7())}")


def new_job_id() -> JobId:
    return JobId(f"job_{encode(uuid7())}")


def new_batch_id() -> BatchId:
    return BatchId(f"batch_{encode(uuid7())}")


def new_asset_id() -> AssetId:
    return AssetId(f"asset_{encode(uuid7())}")


def new_upload_id() -> UploadId:
    return UploadId(f"upl_{encode(uuid7())}")


def new_series_id() -> SeriesId:
    return SeriesId(f"ser_{encode(uuid7())}")


def new_worker_id() -> WorkerId:
    return WorkerId(f"wrk_{encode(uuid7())}")


def new_entry_id() -> EntryId:
    """Of an entry in the ledger."""
    return EntryId(f"led_{encode(uuid7())}")


def new_webhook_id() -> WebhookId:
    return WebhookId(f"whk_{encode(uuid7())}")


def new_delivery_id() -> DeliveryId:
    return DeliveryId(f"dlv_{encode(uuid7())}")


def derived_uuid(moment: datetime, *names: str) -> uuid.UUID:
    """The same UUID for the same names and moment, sorting by the moment: whoever does a thing again finds it done."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    milliseconds = max(0, math.floor(moment.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80 | int.from_bytes(digest[:10]))


def new_request_id() -> str:
    return f"req_{encode(uuid7())}"


def new_slot_id() -> str:
    """Random, not ordered: a fence must not repeat even if a failover rolls a counter back."""
    return uuid.uuid4().hex


def lane_id(pool: str, account: AccountId) -> LaneId:
    """The lane of one account in one pool."""
    return LaneId(f"{pool}:{account}")


def asset_of_upload(upload: UploadId) -> AssetId:
    """The id of the asset that an upload becomes: it is known before there are any bytes."""
    return AssetId(f"asset_{upload.removeprefix('upl_')}")


def upload_of_asset(asset: AssetId) -> UploadId:
    """The id of the upload that an asset came by, if it came by one; the inverse of `asset_of_upload`."""
    return UploadId(f"upl_{asset.removeprefix('asset_')}")


def first_job_id(moment: datetime) -> JobId:
    """Sorts before every job id that was drawn at this moment or later, and behind all that were drawn before it."""
    milliseconds = max(0, math.floor(moment.timestamp() * 1000))
    return JobId(f"job_{encode(uuid.UUID(int=milliseconds << 80))}")


def job_uuid(job: JobId) -> uuid.UUID:
    """The UUID inside a job id, for callers that want a plain UUID."""
    return decode(job.removeprefix("job_"))


def job_id_of(value: uuid.UUID) -> JobId:
    """The job id that carries this UUID; the inverse of `job_uuid`."""
    return JobId(f"job_{encode(value)}")
