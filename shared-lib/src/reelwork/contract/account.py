"""The caller's own account on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.jobs import RetentionBody
from reelwork.contract.money import Money, MoneyText

TierName = Literal["free", "developer", "pro", "enterprise"]


class OwnPlan(Wire):
    """What a tier allows. `concurrent_jobs`: running at once in one pool; `weight`: the share of a pool beside others.

    `jobs_per_day`: in a day of UTC; null: as many as you like. `batch_items`: in one batch; 0: no batches.
    """

    weight: int
    concurrent_jobs: int
    requests_per_minute: int
    jobs_per_day: int | None
    max_duration_seconds: float
    batch_items: int


class RetentionView(Wire):
    """For jobs that ask for nothing, in seconds from their end; null: as the installation has it."""

    input_seconds: int | None
    output_seconds: int | None


class OwnAccount(Wire):
    """Your account. `suspended`: it submits nothing until it is resumed. `spend_cap`: what it may spend in its whole
    life, in US dollars; null: whatever it has."""

    id: str
    object: Literal["account"] = "account"
    name: str
    tier: TierName
    plan: OwnPlan
    retention: RetentionView
    spend_cap: Money | None
    created_at: Timestamp
    suspended: bool
    user_id: Annotated[str | None, Field(deprecated=True, description="Luma's name for `id`.")] = None
    email: Annotated[str | None, Field(deprecated=True, description="Luma's; null, since none is kept.")] = None
    is_active: Annotated[bool | None, Field(deprecated=True, description="Luma's word for not `suspended`.")] = None


class RetentionPatch(RetentionBody):
    """Defaults for new jobs, counted from their end. Absent: stays as it is; null: as the installation has it."""


class OwnAccountPatch(Wire):
    """What is absent stays as it is."""

    retention: RetentionPatch = RetentionPatch()
    spend_cap: Annotated[
        MoneyText | None,
        Field(
            description="US dollars that the account may spend in its whole life, what it has spent included. "
            "Jobs that would pass it are refused (`spend_cap_reached`); those that are there go on. Null: no cap.",
            examples=["10.00"],
        ),
    ] = None
