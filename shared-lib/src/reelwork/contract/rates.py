"""Rates on the wire, for those who run the installation."""

from typing import Literal

from reelwork.contract.base import Wire


class RateView(Wire):
    """One kind of requests. `used`, `remaining`: in the last `window_seconds`, null while the limiter is down;
    `more_seconds`: after so many there is room for one more."""

    kind: Literal["submit", "read", "manage", "upload"]
    limit: int
    window_seconds: int
    used: int | None
    remaining: int | None
    more_seconds: int


class AccountRatesView(Wire):
    account_id: str
    name: str
    tier: str
    rates: list[RateView]


class LimiterView(Wire):
    """`storage`: `shared` counts over all gateways, `memory` only what came to this one. `unchecked`: requests that
    this gateway let through uncounted since its start, because the storage was `down`."""

    storage: Literal["shared", "memory"]
    status: Literal["ok", "down"]
    unchecked: int


class RatePage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest accounts first."""

    limiter: LimiterView
    items: list[AccountRatesView]
    next_cursor: str | None
    has_more: bool
