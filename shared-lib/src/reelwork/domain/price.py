"""What a job costs: decided by its input alone, before it runs, and never more than that afterwards."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from reelwork.domain.job import Bill, BillState
from reelwork.domain.money import dollars

# No price is higher, whatever an input says: a hundred million dollars, of which a whole batch still fits into the 64
# bits that the database counts with.
HIGHEST = 10**12
_UNIT = re.compile(r"[a-z]+(?:[ -][a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """`base` for a job, and `amount` for each `unit` of it; both in ten-thousandths of a US dollar.

    `by`: the numeric parameters whose product, divided by `per`, counts the units; without any, a job is one unit. So
    two cents for a second are `Pricing(amount=200, unit="second", by=("duration_seconds",))`, and a cent for a
    megapixel `Pricing(amount=100, unit="megapixel", by=("width", "height"), per=1_000_000)`.

    Raises ValueError for negative amounts and for what is no unit.
    """

    base: int = 0
    amount: int = 0
    unit: str = "job"
    by: tuple[str, ...] = ()
    per: int = 1

    def __post_init__(self) -> None:
        if not (0 <= self.base <= HIGHEST and 0 <= self.amount <= HIGHEST and self.per >= 1):
            raise ValueError(f"The amounts of a price must not be negative, nor more than {dollars(HIGHEST)}.")
        if not _UNIT.fullmatch(self.unit):
            raise ValueError(f"{self.unit[:40]!r} is not a unit such as 'second'.")

    @property
    def is_free(self) -> bool:
        return self.base == self.amount == 0

    @property
    def formula(self) -> str:
        """For people: `0.0100 + 0.0200 × duration_seconds`."""
        divisor = f" ÷ {self.per}" if self.per > 1 else ""
        amount = f"{' × '.join([dollars(self.amount), *self.by])}{divisor}"
        if not self.base:
            return amount
        return f"{dollars(self.base)} + {amount}" if self.amount else dollars(self.base)


FREE = Pricing()


def price_of(pricing: Pricing, values: Mapping[str, Any]) -> int:
    """The price of a job in ten-thousandths of a US dollar, rounded up; at least 0 and at most `HIGHEST`.

    `values`: the whole input, with its model's defaults (any JSON that the model's schema allows). It never falls when
    a parameter grows. A parameter that is absent, negative or no number counts as 0; `uncounted` tells beforehand
    where that could happen.
    """
    units = Fraction(1, pricing.per)
    for name in pricing.by:
        units *= _number(values.get(name))
    return min(HIGHEST, pricing.base + math.ceil(pricing.amount * units))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a job costs, in ten-thousandths of a US dollar: `reserved` now, `charged` once it is settled (else None)."""

    estimated: int = 0
    reserved: int = 0
    charged: int | None = None
    refunded: int = 0

    @classmethod
    def of(cls, bill: Bill | None, *, has_ended: bool) -> Self:
        """By the bill of a job's present round: the rounds before it ended without a charge, else there were no more.

        A job without a bill is free, whatever becomes of it.
        """
        if bill is None:
            return cls(charged=0 if has_ended else None)
        if bill.state is BillState.SETTLED:
            return cls(estimated=bill.amount, charged=bill.charged or 0, refunded=bill.refunded)
        return cls(estimated=bill.amount, reserved=bill.amount)

    def __add__(self, other: Self) -> Self:
        """Of several jobs together: `charged` is what is charged so far."""
        return type(self)(
            estimated=self.estimated + other.estimated,
            reserved=self.reserved + other.reserved,
            charged=(self.charged or 0) + (other.charged or 0),
            refunded=self.refunded + other.refunded,
        )


def uncounted(pricing: Pricing, schema: Mapping[str, Any]) -> list[str]:
    """The parameters that it counts and that are not certain to be numbers of at least 0 in an input of this JSON
    Schema, given or by default: a job without them would be too cheap."""
    fields: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    required = schema.get("required", ())
    return [name for name in pricing.by if not _is_certain(fields.get(name, {}), is_required=name in required)]


def _is_certain(field: Mapping[str, Any], *, is_required: bool) -> bool:
    options = field.get("enum", ())
    positive = field.get("minimum", field.get("exclusiveMinimum", -1)) >= 0
    numeric = field.get("type") in {"number", "integer"}
    return numeric and (positive or (bool(options) and min(options) >= 0)) and (is_required or "default" in field)


def _number(value: object) -> Fraction:
    """Exactly what was written: the shortest decimal that means this float, not its binary value a little above."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return Fraction(0)
    return Fraction(repr(value))
