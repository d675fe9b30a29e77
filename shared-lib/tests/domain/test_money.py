"""Amounts of money: whole numbers inside, four decimal places outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.money import dollars, ten_thousandths


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.0000"), (1, "0.0001"), (4000, "0.4000"), (10_000, "1.0000"), (1_234_567, "123.4567"), (-5, "-0.0005")],
)
def test_amounts_are_written_in_dollars_with_four_places(amount: int, text: str) -> None:
    assert dollars(amount) == text


@pytest.mark.parametrize(("text", "amount"), [("0.4", 4000), ("10", 100_000), ("0.0001", 1), ("007.50", 75_000)])
def test_people_may_write_fewer_places(text: str, amount: int) -> None:
    assert ten_thousandths(text) == amount


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.", ".5", "1e3", "0.00001", "NaN", "1,50", " 1", "1\n", "1_0", "١"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        ten_thousandths(text)


@given(st.integers(0, 10**12))
def test_what_is_written_is_read_as_the_same(amount: int) -> None:
    assert ten_thousandths(dollars(amount)) == amount
