"""Assets on the wire: bytes with metadata, put in by a caller or made by a job."""

from typing import Annotated, Literal

from pydantic import Field

from reelwork.contract.base import JSON_NUMBER, MOST_RETENTION_SECONDS, Timestamp, Wire

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
    expires_at: Annotated[Timestamp | None, Field(description="When it goes by `PATCH`; null: not by itself.")]
    url: str


class AssetPatch(Wire):
    """How long an asset is kept."""

    retention_seconds: Annotated[
        int | None,
        Field(
            ge=60,
            le=MOST_RETENTION_SECONDS,
            description="From now; then it goes for good, as soon as no job that has not ended names it. Null: not by "
            "itself. With the data of its job, or when it is deleted, it goes before.",
            examples=[604800],
        ),
        JSON_NUMBER,
    ]


class AssetFromUrl(Wire):
    """A picture, film or table of numbers at an address that anybody can open."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            description="`https://…`, without credentials, of a host on the public internet. Up to three redirects.",
            examples=["https://example.com/photo.jpg"],
        ),
    ]
    filename: Annotated[
        str | None, Field(max_length=255, description="How the asset is called; null: as in the address.")
    ] = None
    purpose: Literal["input"] = "input"


class AssetPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[AssetView]
    next_cursor: str | None
    has_more: bool


class AssetLink(Wire):
    """A signed address of an asset's bytes: works without a key, until `expires_at`."""

    url: str
    expires_at: Timestamp
