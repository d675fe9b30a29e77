"""What a job costs."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.ids import KeyId
from reelwork.domain.job import Bill, BillState
from reelwork.domain.price import FREE, HIGHEST, Cost, Pricing, price_of, uncounted

A_SECOND = Pricing(base=100, amount=200, unit="second", by=("duration_seconds",))
A_MEGAPIXEL = Pricing(amount=100, unit="megapixel", by=("width", "height"), per=1_000_000)

amounts = st.integers(0, HIGHEST)
pricings = st.builds(
    Pricing, base=amounts, amount=amounts, by=st.lists(st.sampled_from("ab"), max_size=3).map(tuple), per=st.integers(1)
)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
anything = st.floats() | st.integers() | st.sampled_from([None, True, "4", [4], {}])


@pytest.mark.parametrize(
    ("pricing", "values", "price"),
    [
        (FREE, {"duration_seconds": 1e9}, 0),
        (Pricing(amount=500), {}, 500),
        (A_SECOND, {"duration_seconds": 4}, 900),
        (A_SECOND, {"duration_seconds": 0.1}, 120),
        (A_SECOND, {"duration_seconds": 0.001}, 101),
        (A_SECOND, {}, 100),
        (A_SECOND, {"duration_seconds": None}, 100),
        (A_SECOND, {"duration_seconds": True}, 100),
        (A_SECOND, {"duration_seconds": "4"}, 100),
        (A_SECOND, {"duration_seconds": -4}, 100),
        (A_MEGAPIXEL, {"width": 1920, "height": 1080}, 208),
        (A_MEGAPIXEL, {"width": 1, "height": 1}, 1),
        (A_MEGAPIXEL, {"width": 1e300, "height": 1e300}, HIGHEST),
    ],
)
def test_a_price_is_the_base_and_the_units_rounded_up(pricing: Pricing, values: dict[str, Any], price: int) -> None:
    assert price_of(pricing, values) == price


@given(pricings, st.dictionaries(st.sampled_from("abc"), anything))
def test_every_input_has_a_price_and_it_is_not_negative(pricing: Pricing, values: Mapping[str, Any]) -> None:
    assert 0 <= price_of(pricing, values) <= HIGHEST


@given(pricings, numbers, st.tuples(numbers, numbers).map(sorted))
def test_a_price_never_falls_when_a_parameter_grows(pricing: Pricing, other: float, grows: list[float]) -> None:
    low, high = (price_of(pricing, {"a": value, "b": other}) for value in grows)

    assert low <= high


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.decimals(0, 10_000, places=3))
def test_a_price_is_less_than_one_step_above_the_exact_amount(base: int, amount: int, seconds: Any) -> None:
    pricing = Pricing(base=base, amount=amount, unit="second", by=("seconds",))

    price = price_of(pricing, {"seconds": float(seconds)})

    assert price == base + math.ceil(amount * seconds)


@pytest.mark.parametrize(
    ("pricing", "formula"),
    [
        (FREE, "0.0000"),
        (Pricing(base=100), "0.0100"),
        (Pricing(amount=500), "0.0500"),
        (A_SECOND, "0.0100 + 0.0200 × duration_seconds"),
        (A_MEGAPIXEL, "0.0100 × width × height ÷ 1000000"),
    ],
)
def test_a_formula_says_how_a_price_is_made(pricing: Pricing, formula: str) -> None:
    assert pricing.formula == formula


@pytest.mark.parametrize("wrong", [{"base": -1}, {"amount": -1}, {"per": 0}, {"unit": ""}, {"amount": HIGHEST + 1}])
def test_a_price_that_could_be_negative_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must not be negative|is not a unit"):
        Pricing(**wrong)


@pytest.mark.parametrize(
    ("field", "required", "is_certain"),
    [
        ({"type": "number", "minimum": 0, "default": 4}, False, True),
        ({"type": "integer", "exclusiveMinimum": 0}, True, True),
        ({"type": "integer", "enum": [24, 30], "default": 30}, False, True),
        ({"type": "number", "minimum": 0}, False, False),
        ({"type": "number", "default": 4}, False, False),
        ({"type": "integer", "enum": [-1, 1]}, True, False),
        ({"type": "string", "default": "4"}, False, False),
        ({"anyOf": [{"type": "number"}, {"type": "null"}], "default": None}, False, False),
    ],
)
def test_only_what_is_a_number_in_every_input_can_be_counted(
    field: dict[str, Any], required: bool, is_certain: bool
) -> None:
    schema = {"properties": {"duration_seconds": field}, "required": ["duration_seconds"] if required else []}

    assert uncounted(A_SECOND, schema) == ([] if is_certain else ["duration_seconds"])
    assert uncounted(A_SECOND, {}) == ["duration_seconds"]


def bill(amount: int, state: BillState, charged: int | None = None) -> Bill:
    key = KeyId("key_1")
    return Bill(round=1, hold="h", amount=amount, units=1, day="2026-11-21", key_id=key, state=state, charged=charged)


@pytest.mark.parametrize(
    ("of", "has_ended", "cost"),
    [
        (None, False, Cost()),
        (None, True, Cost(charged=0)),
        (bill(5, BillState.HELD), False, Cost(estimated=5, reserved=5)),
        (bill(5, BillState.CHARGE), True, Cost(estimated=5, reserved=5)),
        (bill(5, BillState.RELEASE), True, Cost(estimated=5, reserved=5)),
        (bill(5, BillState.SETTLED, charged=5), True, Cost(estimated=5, charged=5)),
        (bill(5, BillState.SETTLED, charged=0), True, Cost(estimated=5, charged=0)),
    ],
)
def test_a_job_costs_what_its_bill_says(of: Bill | None, has_ended: bool, cost: Cost) -> None:
    assert Cost.of(of, has_ended=has_ended) == cost


@given(st.lists(st.tuples(st.integers(0, HIGHEST), st.sampled_from(BillState))))
def test_a_batch_costs_what_its_jobs_cost_and_never_more_than_estimated(jobs: list[tuple[int, BillState]]) -> None:
    bills = [bill(amount, state, charged=amount if state is BillState.SETTLED else None) for amount, state in jobs]

    whole = sum((Cost.of(one, has_ended=False) for one in bills), Cost(charged=0))

    assert whole.estimated == sum(amount for amount, _ in jobs)
    assert whole.reserved + (whole.charged or 0) == whole.estimated
