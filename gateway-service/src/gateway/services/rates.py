"""How many requests an account may send in a minute, of each kind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.services.pages import Page, check_cursor
from reelwork.counters.limiter import Limiter
from reelwork.domain.account import Account
from reelwork.domain.errors import RateLimited
from reelwork.domain.ids import AccountId
from reelwork.domain.rate import RouteClass, Standing, rate_of
from reelwork.domain.tier import Plans
from reelwork.store.directory import AccountFilter, Directory


@dataclass(frozen=True, slots=True)
class AccountRates:
    """An account, and where it stands with each of its rates."""

    account: Account
    standings: Mapping[RouteClass, Standing]

    @property
    def id(self) -> AccountId:
        return self.account.id


class RateLimits:
    """`shared`: counted over all gateways together, rather than by each for itself."""

    def __init__(self, limiter: Limiter, directory: Directory, plans: Plans, *, shared: bool) -> None:
        self._directory = directory
        self._plans = plans
        self.limiter = limiter
        self.shared = shared

    async def take(self, account: Account, kind: RouteClass) -> Standing:
        """Count a request of this account, if there is room for it."""
        return await self.limiter.take(rate_of(kind, self._plans[account.tier]), account.id)

    async def page(self, *, cursor: str | None, limit: int) -> Page[AccountRates]:
        """All accounts, newest first, without counting anything. Raises InvalidCursor."""
        before = check_cursor(cursor, "acct_")
        found = await self._directory.page(
            AccountFilter(), before=AccountId(before) if before else None, limit=limit + 1
        )
        return Page.cut(await asyncio.gather(*(self._rates(account) for account in found)), limit)

    async def _rates(self, account: Account) -> AccountRates:
        plan = self._plans[account.tier]
        looks = [self.limiter.look(rate_of(kind, plan), account.id) for kind in RouteClass]
        return AccountRates(account, dict(zip(RouteClass, await asyncio.gather(*looks), strict=True)))


def require_room(standing: Standing) -> None:
    """Raises RateLimited."""
    if not standing.allowed:
        rate = standing.rate
        raise RateLimited(
            f"Your plan allows {rate.amount:,} {rate.name} requests in {rate.seconds} s.",
            hint=f"Wait {standing.more_seconds} s, or ask for a higher plan.",
            limit=rate.amount,
            retry_after_seconds=standing.more_seconds,
        )
