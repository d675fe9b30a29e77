"""Settings of the gateway alone; see `reelwork.runtime.settings` for those it shares with the workers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reelwork.runtime.settings import SharedSettings


class GatewaySettings(SharedSettings):
    """Every field is an environment variable `REELWORK_<NAME>`."""

    delivery: Annotated[
        Literal["redirect", "proxy"],
        Field(description="How asset content leaves: a redirect to a signed S3 address, or through the gateway."),
    ] = "redirect"
    link_seconds: Annotated[int, Field(ge=10, le=900, description="How long a signed S3 address works.")] = 600
    upload_limit_bytes: Annotated[int, Field(gt=0, description="Largest upload by form.")] = 32 * 1024 * 1024
    pixel_limit: Annotated[int, Field(gt=0, description="Most pixels of an uploaded picture.")] = 40_000_000
    stream_seconds: Annotated[
        float, Field(gt=0, description="Longest life of an event stream; clients reconnect after it.")
    ] = 600.0
    streams_per_account: Annotated[int, Field(gt=0, description="Open event streams of one account.")] = 1000
    max_attempts: Annotated[int, Field(ge=1, le=10, description="Attempts of a job before it fails for good.")] = 3
    retention_seconds: Annotated[
        int | None,
        Field(ge=60, description="How long files of ended jobs are kept where job and account ask for nothing."),
    ] = None
    usage_sync: Annotated[
        Literal["events", "delta"],
        Field(
            description="How usage is counted: by events over the broker, or in Redis, from where it is flushed. "
            "`delta` needs REELWORK_REDIS_URL."
        ),
    ] = "events"
    page_directory: Annotated[
        Path | None, Field(description="Folder of the built page, served at /. None: the API alone.")
    ] = None
    page_key_file: Annotated[
        Path | None, Field(description="Development only: the API key that the page is given on loopback.")
    ] = None

    @model_validator(mode="after")
    def _deltas_have_a_counter(self) -> Self:
        if self.usage_sync == "delta" and self.redis_url is None:
            raise ValueError("REELWORK_USAGE_SYNC=delta needs REELWORK_REDIS_URL: the Redis or Valkey that counts")
        return self

    @property
    def link_life(self) -> timedelta:
        return timedelta(seconds=self.link_seconds)
