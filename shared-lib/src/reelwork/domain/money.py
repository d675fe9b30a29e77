"""Amounts of money: inside they are whole ten-thousandths of a US dollar, outside decimal texts with four places."""

import re

CURRENCY = "USD"
IN_A_DOLLAR = 10_000
# What people may write: less than a billion dollars, as precise as we count.
WRITTEN = r"^[0-9]{1,9}(\.[0-9]{1,4})?$"


def dollars(amount: int) -> str:
    """`4000` as `0.4000`, for the wire and for sentences."""
    whole, rest = divmod(abs(amount), IN_A_DOLLAR)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:04d}"


def ten_thousandths(text: str) -> int:
    """`0.4` as `4000`. Raises ValueError for what is not `WRITTEN` as an amount."""
    if not text.isascii() or not re.fullmatch(WRITTEN.removesuffix("$"), text):
        raise ValueError(f"{text[:40]!r} is no amount such as 0.50.")
    whole, _, rest = text.partition(".")
    return int(whole) * IN_A_DOLLAR + int(rest.ljust(4, "0"))
