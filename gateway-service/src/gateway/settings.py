"""Settings of the gateway alone; see `reelwork.runtime.settings` for those it shares with the workers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import NoDecode

from gateway.policies import is_origin
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
    connections: Annotated[
        int, Field(gt=0, description="Open connections, streams among them; one more is answered 503 and closed.")
    ] = 4000
    head_seconds: Annotated[
        float, Field(gt=0, description="How long the first line and the headers of a request may take.")
    ] = 10.0
    silence_seconds: Annotated[
        float, Field(gt=0, description="How long a body may stand still, or crawl, before its connection is closed.")
    ] = 20.0
    keep_alive_seconds: Annotated[
        int, Field(gt=0, description="How long a connection may stay open without a request.")
    ] = 20
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
    cors_origins: Annotated[
        str,
        Field(description="Origins whose pages may use the API, exact and comma-separated, `https://ui.example`."),
    ] = ""
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

    @model_validator(mode="after")
    def _exact_origins(self) -> Self:
        for origin in self.origins:
            if not is_origin(origin):
                raise ValueError(f"REELWORK_CORS_ORIGINS: {origin!r} is no origin; give scheme, host and port alone")
        return self

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def link_life(self) -> timedelta:
        return timedelta(seconds=self.link_seconds)
