"""Uploads on the wire: bytes that go straight into the object store, by signed addresses, and can be resumed."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from reelwork.contract.assets import AssetView
from reelwork.contract.base import JSON_NUMBER, Timestamp, Wire
from reelwork.domain.upload import LARGEST_PART_BYTES, MOST_PARTS, SMALLEST_PART_BYTES

UploadStatus = Literal["open", "checking", "completed", "failed", "aborted", "expired"]

# How many addresses one answer holds at most.
MOST_SIGNED = 100

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the whole file, 64 hex digits.")]
PartNumber = Annotated[int, Field(ge=1, le=MOST_PARTS), JSON_NUMBER]


def _each_once(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise PydanticCustomError("not_unique", "Name each part once.")
    return numbers


class UploadBody(Wire):
    """What will be sent. All of it is checked: by the object store as the bytes arrive, and again before they count."""

    filename: Annotated[str, Field(max_length=255, description="How the asset is called.", examples=["holiday.mp4"])]
    content_type: Annotated[str, Field(max_length=100, examples=["video/mp4"])]
    bytes: Annotated[int, Field(ge=1, le=2**53), JSON_NUMBER]
    sha256: Sha256
    purpose: Literal["input"] = "input"
    part_bytes: Annotated[
        int | None,
        Field(
            ge=SMALLEST_PART_BYTES,
            le=LARGEST_PART_BYTES,
            description="Send it in parts of this size, however small it is; null: as the gateway likes it best.",
        ),
        JSON_NUMBER,
    ] = None


class PartUrl(Wire):
    """PUT the part's bytes there, and nothing else; the answer's `ETag` names what was stored."""

    n: int
    url: str


class ReceivedPart(Wire):
    """A part that the object store has."""

    n: int
    bytes: int
    etag: str


class UploadUrls(Wire):
    """`abort` is a DELETE, the others are POST."""

    parts: str
    complete: str
    abort: str


class UploadFailure(Wire):
    """Why the bytes became no asset."""

    code: str
    detail: str


class UploadView(Wire):
    """`method` says how to send the bytes: `put`, one PUT to `url` with `headers`; or `multipart`, a PUT for each of
    `parts`, all of `part_bytes` but the last. `part_urls` has addresses for the first eight parts that are missing;
    signed addresses live an hour, and asking again gives new ones."""

    id: str
    object: Literal["upload"] = "upload"
    status: UploadStatus
    asset_id: str
    method: Literal["put", "multipart"]
    filename: str
    content_type: str
    bytes: int
    sha256: str
    url: str | None
    headers: dict[str, str]
    part_bytes: int | None
    parts: int | None
    part_urls: list[PartUrl]
    received: list[ReceivedPart]
    created_at: Timestamp
    expires_at: Timestamp
    error: UploadFailure | None
    urls: UploadUrls


class DeduplicatedUpload(Wire):
    """Nothing needs to be sent: your account has these bytes."""

    deduplicated: Literal[True] = True
    asset: AssetView


class PartsBody(Wire):
    """The parts to sign addresses for."""

    parts: Annotated[list[PartNumber], Field(min_length=1, max_length=MOST_SIGNED), AfterValidator(_each_once)]


class PartUrls(Wire):
    """In the order that was asked for."""

    parts: list[PartUrl]


class CompletedPart(Wire):
    """A part and the `ETag` that the object store answered, with or without its quotes."""

    n: PartNumber
    etag: Annotated[str, Field(min_length=1, max_length=200)]


class CompleteBody(Wire):
    """`parts` left out: whatever the object store has."""

    parts: Annotated[list[CompletedPart] | None, Field(max_length=MOST_PARTS)] = None


class AssetFromHash(Wire):
    """Bytes that your account has."""

    sha256: Sha256
    purpose: Literal["input"] = "input"
