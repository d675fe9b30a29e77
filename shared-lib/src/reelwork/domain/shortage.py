"""Why something does not fit into an account: which of its bounds would be passed, in words for its owner."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta

from reelwork.domain.errors import InsufficientCredits, QuotaExceeded, SpendCapReached
from reelwork.domain.ledger import Balance, Bounds
from reelwork.domain.money import CURRENCY, dollars


def next_day(now: datetime) -> datetime:
    """Midnight UTC, when the daily quota begins anew."""
    return datetime.combine(now.date() + timedelta(days=1), time(), tzinfo=now.tzinfo)


def shortages(
    balance: Balance, added: Mapping[str, int], bounds: Bounds, now: datetime
) -> Iterator[QuotaExceeded | SpendCapReached | InsufficientCredits]:
    """Every bound that adding this (see `domain.ledger.effect`) would pass, as the error to raise. `now` is in UTC."""
    for name, change in sorted(added.items()):  # days before keys before spent
        kind, _, key = name.partition(".")
        if kind == "days" and bounds.jobs_per_day is not None:
            used = balance.days.get(key, 0)
            if used + change > bounds.jobs_per_day:
                yield _quota(used, change, bounds.jobs_per_day, now)
        if kind == "keys":
            cap = next((cap for owner, cap in bounds.key_caps.items() if owner == key), None)
            if cap is not None and balance.keys.get(key, 0) + change > cap:
                yield _cap("key", balance.keys.get(key, 0), change, cap)
        if kind == "spent" and bounds.account_cap is not None and balance.spent + change > bounds.account_cap:
            yield _cap("account", balance.spent, change, bounds.account_cap)
    wanted = -added.get("available", 0)
    if wanted > 0 and balance.available < wanted:
        yield InsufficientCredits(
            f"This costs {_money(wanted)}; {_money(balance.available)} are available.",
            hint="Have credit added to the account, or wait for jobs that may give theirs back.",
        )


def _quota(used: int, wanted: int, limit: int, now: datetime) -> QuotaExceeded:
    begins = next_day(now)
    asked = f"; this would be {wanted} more" if wanted > 1 else ""
    return QuotaExceeded(
        f"The plan allows {limit} jobs a day, and {used} of them are used{asked}.",
        hint=f"The count begins anew at {begins.isoformat()}. Jobs that fail or are cancelled do not count.",
        retry_after_seconds=max(1, math.ceil((begins - now).total_seconds())),
    )


def _cap(whose: str, spent: int, wanted: int, cap: int) -> SpendCapReached:
    return SpendCapReached(
        f"This costs {_money(wanted)}; the {whose} has spent {_money(spent)} of its cap of {_money(cap)}.",
        hint=f"Have the {whose}'s spend cap raised, or use another key." if whose == "key" else "Raise the spend cap.",
    )


def _money(amount: int) -> str:
    return f"{dollars(amount)} {CURRENCY}"
