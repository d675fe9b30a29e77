"""Money and quotas of an account on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.money import Money, MoneyText

EntryKindName = Literal["grant", "reserve", "charge", "release", "refund"]
Note = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class EntryView(Wire):
    """One line of the books. `amount`: its effect on what is available; `reserved`: on what is put aside for jobs that
    have not ended; `units`: on the jobs used of `day`. What is available is the sum of all amounts."""

    id: str
    object: Literal["ledger_entry"] = "ledger_entry"
    at: Timestamp
    kind: EntryKindName
    currency: Literal["USD"] = "USD"
    amount: Money
    reserved: Money
    units: int
    day: Annotated[str | None, Field(examples=["2026-11-21"], description="Of the daily quota, in UTC.")]
    job_id: str | None
    round: Annotated[int | None, Field(description="1 for the job's first submit, one more with each retry.")]
    key_id: Annotated[str | None, Field(description="Of keys that took the place of others, the first.")]
    note: str | None


class EntryPage(Wire):
    """`next_cursor` goes into `cursor` for the next page; null at the end. Newest first."""

    items: list[EntryView]
    next_cursor: str | None
    has_more: bool


class RateLimitView(Wire):
    """Of requests that create work; other kinds have multiples of it."""

    requests_per_minute: int


class DailyQuota(Wire):
    """Jobs of this day in UTC. `limit` and `remaining` are null without a limit; then jobs are not counted."""

    limit: int | None
    used: int
    remaining: int | None
    resets_at: Timestamp


class ConcurrentJobs(Wire):
    """Running at once, in each pool: `active` of them in the pool where most of yours run."""

    limit: int
    active: int
    available: int


class BalanceView(Wire):
    """`spent`: charged, or put aside for jobs that have not ended (`reserved`)."""

    currency: Literal["USD"] = "USD"
    available: Money
    reserved: Money
    spent: Money


class SpendCapView(Wire):
    """Over a whole life: that of the key that asks, those that it took the place of included, or of the account."""

    currency: Literal["USD"] = "USD"
    limit: Money
    spent: Money
    remaining: Money


class QuotaView(Wire):
    """How much more you may do now. `max_video_duration`: in seconds. `can_generate`: a job that costs nothing would be
    accepted."""

    rate_limit: RateLimitView
    daily_quota: DailyQuota
    concurrent_jobs: ConcurrentJobs
    max_video_duration: float
    can_generate: bool
    can_batch_generate: bool
    balance: BalanceView
    spend_cap: Annotated[SpendCapView | None, Field(description="Of the key that asks.")]
    account_spend_cap: SpendCapView | None


class GrantBody(Wire):
    """Credit for an account."""

    amount: Annotated[MoneyText, Field(description="In US dollars, more than 0.", examples=["10.00"])]
    note: Annotated[Note | None, Field(description="Shown in the ledger.", examples=["Invoice 2026-117"])] = None


class RefundBody(Wire):
    """What a job was charged, or a part of it, given back."""

    job_id: Annotated[str, Field(min_length=1, max_length=64)]
    amount: Annotated[MoneyText | None, Field(description="Null: whatever was not given back yet.")] = None
    note: Annotated[Note | None, Field(description="Shown in the ledger.")] = None
