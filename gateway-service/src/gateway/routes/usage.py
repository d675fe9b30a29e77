"""What the caller's account has used."""

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from gateway.deps import CanRead, UsageCounts
from gateway.problems import keyed_problems
from gateway.services.usage import Period
from reelwork.contract.usage import UsageView

router = APIRouter(prefix="/v1/account/usage", tags=["account"])


def _day(value: object) -> object:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("day_type", "A day is wanted, such as 2026-11-21.")
    return value


_DAY = re.compile(r"\d{4}-\d\d-\d\d")
Day = Annotated[date, BeforeValidator(_day)]
First = Annotated[Day | None, Query(alias="from", description="The first day, in UTC. Default: 30 days or 12 months.")]
Last = Annotated[Day | None, Query(alias="to", description="The last day, in UTC. Default: today.")]


@router.get("", responses=keyed_problems())
async def get_usage(
    caller: CanRead, usage: UsageCounts, period: Period = "daily", first: First = None, last: Last = None
) -> UsageView:
    """Requests, jobs, run time, bytes and charges of your account, by days or months of UTC."""
    return await usage.view(caller.account.id, period, first=first, last=last)
