"""Settings of the gateway alone; see `reelwork.runtime.settings` for those it shares with the workers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reelwork.contract.money import MoneyText
from reelwork.domain.money import ten_thousandths
from reelwork.domain.price import Pricing
from reelwork.runtime.settings import SharedSettings


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
    prices: Annotated[
        dict[str, Price],
        Field(
            description="Prices of models, in US dollars, instead of those that they state, as JSON: "
            '`{"builtin/camera-move": {"amount": "0.02", "unit": "second", "by": ["duration_seconds"]}}`.',
        ),
    ] = Field(default_factory=dict)
    page_directory: Annotated[
        Path | None, Field(description="Folder of the built page, served at /. None: the API alone.")
    ] = None
    page_key_file: Annotated[
        Path | None, Field(description="Development only: the API key that the page is given on loopback.")
    ] = None

    def pricings(self) -> dict[str, Pricing]:
        return {model: price.pricing() for model, price in self.prices.items()}

    @property
    def link_life(self) -> timedelta:
        return timedelta(seconds=self.link_seconds)
