"""Settings of the gateway alone; see `reelwork.runtime.settings` for those it shares with the workers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ImportString,
    IPvAnyNetwork,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode

from gateway.browser_policy import is_origin
from gateway.input_policy import InputPolicy
from gateway.source_settings import SourceSettings
from reelwork.contract.money import MoneyText
from reelwork.domain.lifecycle import ACTIVE, Lifecycle
from reelwork.domain.money import ten_thousandths
from reelwork.domain.policy import HouseRules, ModelPolicy
from reelwork.domain.price import Pricing
from reelwork.domain.tier import Tier
from reelwork.domain.upload import SMALLEST_PART_BYTES
from reelwork.generator.card import is_alias
from reelwork.runtime.placeholders import is_placeholder


class Price(BaseModel):
    """What this installation takes for a job of one model; see `reelwork.domain.price.Pricing`."""

    model_config = ConfigDict(extra="forbid")

    base: MoneyText = "0"
    amount: MoneyText = "0"
    unit: Annotated[str, Field(pattern=r"^[a-z]+([ -][a-z]+)*$")] = "job"
    by: tuple[str, ...] = ()
    per: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _be_a_price(self) -> Self:
        self.pricing()
        return self

    def pricing(self) -> Pricing:
        """Raises ValueError for more than the highest price there is."""
        base, amount = ten_thousandths(self.base), ten_thousandths(self.amount)
        return Pricing(base=base, amount=amount, unit=self.unit, by=self.by, per=self.per)


class ModelTerms(BaseModel):
    """What this installation says of a model instead of the model itself; see `reelwork.domain.lifecycle`."""

    model_config = ConfigDict(extra="forbid")

    min_tier: Tier | None = None
    rate_units: Annotated[int | None, Field(ge=1)] = None
    deprecated_at: AwareDatetime | None = None
    sunset_at: AwareDatetime | None = None
    replacement: str | None = None

    @model_validator(mode="after")
    def _be_a_life(self) -> Self:
        self.policy()
        return self

    def policy(self) -> ModelPolicy:
        """Raises ValueError for an end before the beginning of it."""
        life = Lifecycle(deprecated_at=self.deprecated_at, sunset_at=self.sunset_at, replacement=self.replacement)
        lifecycle = life if life != ACTIVE else None
        return ModelPolicy(min_tier=self.min_tier, rate_units=self.rate_units, lifecycle=lifecycle)


def _listed(text: object) -> object:
    """The parts of a list by commas; anything else as it is."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


class GatewaySettings(SourceSettings):
    """Every field is an environment variable `REELWORK_<NAME>`."""

    delivery: Annotated[
        Literal["redirect", "proxy"],
        Field(description="How asset content leaves: a redirect to a signed S3 address, or through the gateway."),
    ] = "redirect"
    link_seconds: Annotated[int, Field(ge=10, le=900, description="How long a signed S3 address works.")] = 600
    upload_limit_bytes: Annotated[int, Field(gt=0, description="Largest upload by form.")] = 32 * 1024 * 1024
    direct_upload_limit_bytes: Annotated[
        int, Field(gt=0, le=5 * 1024**4, description="Largest film by `POST /v1/uploads`.")
    ] = 5 * 1024**3
    multipart_bytes: Annotated[
        int, Field(ge=SMALLEST_PART_BYTES, le=5 * 1024**3, description="From this size on an upload goes in parts.")
    ] = 64 * 1024**2
    part_bytes: Annotated[
        int, Field(ge=SMALLEST_PART_BYTES, le=5 * 1024**3, description="Size of the parts of an upload.")
    ] = 64 * 1024**2
    upload_seconds: Annotated[
        int, Field(ge=60, le=86_400, description="How long an upload may be unfinished before it is swept.")
    ] = 86_400
    uploads_per_account: Annotated[int, Field(gt=0, description="Unfinished uploads of one account.")] = 100
    pixel_limit: Annotated[int, Field(gt=0, description="Most pixels of an uploaded picture or of a film's frame.")] = (
        40_000_000
    )
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
    prohibited_terms: Annotated[
        list[str], Field(description="Words and phrases that no job's input may contain, as a JSON list.")
    ] = []  # noqa: RUF012  (pydantic copies defaults)
    input_policies: Annotated[
        list[ImportString[InputPolicy]],
        Field(description="Functions that check every job's input, as a JSON list of `module.function`."),
    ] = []  # noqa: RUF012  (pydantic copies defaults)
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
    prices: Annotated[
        dict[str, Price],
        Field(
            description="Prices of models, in US dollars, instead of those that they state, as JSON: "
            '`{"builtin/camera-move": {"amount": "0.02", "unit": "second", "by": ["duration_seconds"]}}`.',
        ),
    ] = Field(default_factory=dict)
    model_terms: Annotated[
        dict[str, ModelTerms],
        Field(
            description="What holds for models, or for versions of them, instead of what they state, as JSON: "
            '`{"acme/blur@1": {"min_tier": "pro", "deprecated_at": "2027-01-01T00:00:00Z", '
            '"sunset_at": "2027-06-01T00:00:00Z", "replacement": "acme/blur"}}`.',
        ),
    ] = Field(default_factory=dict)
    model_aliases: Annotated[
        dict[str, str],
        Field(description='Other names for models, as JSON: `{"dream-machine": "builtin/landscape"}`.'),
    ] = Field(default_factory=dict)
    usage_sync: Annotated[
        Literal["events", "delta"],
        Field(
            description="How usage is counted: by events over the broker, or in Redis, from where it is flushed. "
            "`delta` needs REELWORK_REDIS_URL."
        ),
    ] = "events"
    webhooks_at_once: Annotated[
        int, Field(ge=8, le=1000, description="Webhooks sent at once by one gateway; an account has a quarter of them.")
    ] = 32
    page_directory: Annotated[
        Path | None, Field(description="Folder of the built page, served at /. None: the API alone.")
    ] = None
    page_key_file: Annotated[
        Path | None, Field(description="Development only: the API key that the page is given on loopback.")
    ] = None

    @model_validator(mode="after")
    def _signing_keys_are_sealed_in_production(self) -> Self:
        secret = self.signing_secret
        if self.env == "production" and (secret is None or is_placeholder(secret.get_secret_value())):
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

    @model_validator(mode="after")
    def _no_key_for_the_page_in_production(self) -> Self:
        if self.env == "production" and self.page_key_file is not None:
            raise ValueError("REELWORK_PAGE_KEY_FILE is for development; leave it out in production")
        return self

    def pricings(self) -> dict[str, Pricing]:
        return {model: price.pricing() for model, price in self.prices.items()}

    @model_validator(mode="after")
    def _aliases_name_models(self) -> Self:
        for alias, target in self.model_aliases.items():
            if not is_alias(alias) or "/" not in target:
                raise ValueError(
                    f"REELWORK_MODEL_ALIASES: {alias!r} must be a name without a slash, and stand for a model such as "
                    f"'builtin/landscape', not for {target!r}"
                )
        return self

    def house_rules(self) -> HouseRules:
        return HouseRules(
            policies={model: terms.policy() for model, terms in self.model_terms.items()}, aliases=self.model_aliases
        )

    @model_validator(mode="after")
    def _deltas_have_a_counter(self) -> Self:
        if self.usage_sync == "delta" and self.redis_url is None:
            raise ValueError("REELWORK_USAGE_SYNC=delta needs REELWORK_REDIS_URL: the Redis or Valkey that counts")
        return self

    @property
    def link_life(self) -> timedelta:
        return timedelta(seconds=self.link_seconds)
