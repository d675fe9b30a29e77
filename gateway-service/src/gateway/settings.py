"""Settings of the gateway alone; see `reelwork.runtime.settings` for those it shares with the workers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import NoDecode

from reelwork.runtime.settings import SharedSettings


def _listed(text: object) -> object:
    """The parts of a list by commas; anything else as it is."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


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
    trusted_proxies: Annotated[
        tuple[IPvAnyNetwork, ...],
        NoDecode,
        BeforeValidator(_listed),
        Field(description="Networks (CIDR, by commas) of proxies whose X-Forwarded-For is believed. None: nobody's."),
    ] = ()
    failed_logins_per_minute: Annotated[
        int, Field(ge=1, description="Wrong keys from one address before it is sent away for the rest of the minute.")
    ] = 20
    signing_secret: Annotated[
        SecretStr | None,
        Field(min_length=32, description="What the private keys of access tokens are sealed under in MongoDB."),
    ] = None
    limiter_patience_seconds: Annotated[
        float,
        Field(gt=0, le=10, description="How long the rate limiter may hold up a request before it passes uncounted."),
    ] = 0.1
    page_directory: Annotated[
        Path | None, Field(description="Folder of the built page, served at /. None: the API alone.")
    ] = None
    page_key_file: Annotated[
        Path | None, Field(description="Development only: the API key that the page is given on loopback.")
    ] = None

    @model_validator(mode="after")
    def _signing_keys_are_sealed_in_production(self) -> Self:
        if self.env == "production" and self.signing_secret is None:
            raise ValueError("REELWORK_SIGNING_SECRET is not set; production wants one of 32 characters or more")
        return self

    @property
    def link_life(self) -> timedelta:
        return timedelta(seconds=self.link_seconds)
