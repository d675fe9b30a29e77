"""Rates of all accounts: what is used and what is left."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.deps import CanAdmin, Rates
from gateway.problems import keyed_problems
from gateway.services.rates import AccountRates, RateLimits
from reelwork.contract.rates import AccountRatesView, LimiterView, RatePage, RateView
from reelwork.domain.errors import InvalidCursor
from reelwork.domain.rate import RouteClass, Standing

router = APIRouter(prefix="/v1/admin/rate-limits", tags=["admin"])


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_rate_limits(
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    rates: Rates,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> RatePage:
    """Every account's requests of the last minute by kind, and whether the limiter is well. Looking counts nothing."""
    page = await rates.page(cursor=cursor, limit=limit)
    return RatePage(
        limiter=_limiter_view(rates),
        items=[_account_view(one) for one in page.items],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
    )


def _limiter_view(rates: RateLimits) -> LimiterView:
    return LimiterView(
        storage="shared" if rates.shared else "memory",
        status="down" if rates.limiter.is_down else "ok",
        unchecked=rates.limiter.unchecked,
    )


def _account_view(one: AccountRates) -> AccountRatesView:
    return AccountRatesView(
        account_id=one.account.id,
        name=one.account.name,
        tier=one.account.tier.value,
        rates=[_rate_view(kind, standing) for kind, standing in one.standings.items()],
    )


def _rate_view(kind: RouteClass, standing: Standing) -> RateView:
    limit, remaining = standing.rate.amount, standing.remaining
    return RateView(
        kind=kind.value,
        limit=limit,
        window_seconds=standing.rate.seconds,
        used=limit - remaining if remaining is not None else None,
        remaining=remaining,
        more_seconds=standing.more_seconds,
    )
