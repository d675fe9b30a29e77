"""Assets on the wire: bytes with metadata, put in by a caller or made by a job."""

from typing import Literal

from reelwork.contract.base import Timestamp, Wire

AssetKind = Literal["image", "video", "audio", "text", "data"]


class AssetView(Wire):
    """`url` is stable and wants the API key; it redirects to a short-lived signed address, or streams."""

    id: str
    object: Literal["asset"] = "asset"
    kind: AssetKind
    purpose: Literal["input", "output"]
    content_type: str
    filename: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    job_id: str | None
    created_at: Timestamp
    url: str


class AssetPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[AssetView]
    next_cursor: str | None
    has_more: bool


class AssetLink(Wire):
    """A signed address of an asset's bytes: works without a key, until `expires_at`."""

    url: str
    expires_at: Timestamp
