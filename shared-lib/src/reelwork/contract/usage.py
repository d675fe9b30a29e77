"""Usage on the wire."""

from typing import Literal

from reelwork.contract.base import Wire


class UsageCounts(Wire):
    """What was asked for and what came of it. A job is submitted each time it is queued, by its owner's retry as well,
    and ends as often. `output_bytes`: what runs made. `amount_charged`: in dollars, with four places;
    what was refunded later is not taken off."""

    requests: int
    jobs_submitted: int
    jobs_completed: int
    jobs_failed: int
    jobs_cancelled: int
    jobs_expired: int
    run_seconds: float
    output_bytes: int
    amount_charged: str


class UsageItem(UsageCounts):
    """One day (`2026-11-21`) or one month (`2026-11`)."""

    period: str


class UsageView(Wire):
    """Usage by days or months of UTC, the earliest first; `first` and `last` are days. All of the
    time in between is listed, but of the last month only what is in it so far.

    `includes_pending`: also what was counted in the last seconds is in it; else that comes a few seconds later.
    """

    object: Literal["usage"] = "usage"
    period: Literal["daily", "monthly"]
    first: str
    last: str
    currency: Literal["USD"] = "USD"
    includes_pending: bool
    items: list[UsageItem]
    total: UsageCounts
