"""Settings of whatever fetches addresses that callers name."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from reelwork.fetch.addresses import unsafe_in_production
from reelwork.fetch.rules import FetchRules
from reelwork.runtime.settings import InstallationSettings, SharedSettings

_STANDARD = FetchRules()


def _split(value: object) -> object:
    """`a, b` of the environment as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class FetchRuleSettings(InstallationSettings):
    """What may be fetched. Every field is an environment variable `REELWORK_<NAME>`."""

    fetch_ports: Annotated[
        frozenset[Annotated[int, Field(ge=1, le=65_535)]],
        NoDecode,
        BeforeValidator(_split),
        Field(description="Ports that callers' addresses may have, comma-separated."),
    ] = _STANDARD.ports
    fetch_plain_http: Annotated[bool, Field(description="Development only: fetch http:// beside https://.")] = False
    fetch_allow: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        NoDecode,
        BeforeValidator(_split),
        Field(
            description="Networks fetched from although they are not public, such as `10.1.0.0/16`, comma-separated."
        ),
    ] = ()
    fetch_seconds: Annotated[float, Field(gt=0, le=300, description="Longest fetch, its redirects included.")] = 30.0

    @model_validator(mode="after")
    def _no_open_doors_in_production(self) -> Self:
        if self.env == "production":
            if (wide := unsafe_in_production(self.fetch_allow)) is not None:
                raise ValueError(f"REELWORK_FETCH_ALLOW: {wide} holds this machine or a cloud's metadata")
            if self.fetch_plain_http:
                raise ValueError("REELWORK_FETCH_PLAIN_HTTP is for development; leave it out in production")
        return self

    def fetching(self) -> FetchRules:
        return FetchRules(
            ports=self.fetch_ports,
            plain_http=self.fetch_plain_http,
            allow=self.fetch_allow,
            seconds=self.fetch_seconds,
            quiet_seconds=min(self.fetch_seconds, _STANDARD.quiet_seconds),
        )


class FetchSettings(FetchRuleSettings, SharedSettings):
    """The rules, and how much is fetched at once."""

    fetches_at_once: Annotated[
        int, Field(ge=1, le=1000, description="Fetches at once in one process; one account has a quarter of them.")
    ] = 8
