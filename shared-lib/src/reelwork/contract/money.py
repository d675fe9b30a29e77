"""Money and prices on the wire: decimal texts, since a JSON number would be read as a binary fraction."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reelwork.contract.base import Wire
from reelwork.domain.money import WRITTEN

# What we write: always four places. What we take: up to four.
Money = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{4}$", examples=["0.4000"])]
MoneyText = Annotated[str, StringConstraints(pattern=WRITTEN)]


class PricingView(Wire):
    """What a job of a model costs: `base`, and `amount` for each `unit`. `formula`: how its input counts."""

    currency: Literal["USD"] = "USD"
    base: Money
    amount: Money
    unit: Annotated[str, Field(examples=["job", "second"])]
    formula: Annotated[str, Field(examples=["0.0100 + 0.0200 × duration_seconds"])]


class CostView(Wire):
    """What a job costs. `estimated`: its price, decided when it was submitted; it never costs more.

    `reserved`: held back for it now. `charged`: null until it is settled, then its price if it completed, and nothing
    if it failed, was cancelled, expired or was answered from the cache; of a batch, what is charged so far.
    `refunded`: given back of that.
    """

    currency: Literal["USD"] = "USD"
    estimated: Money
    reserved: Money
    charged: Money | None
    refunded: Money


class EstimatedCost(Wire):
    """`estimated`: what such a job would cost at most, as of now."""

    currency: Literal["USD"] = "USD"
    estimated: Money
