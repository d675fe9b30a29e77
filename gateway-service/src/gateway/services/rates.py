"""How much an account may ask in a minute, of each kind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.meter import Meter
from gateway.services.pages import Page, check_cursor
from reelwork.counters.limiter import Limiter
from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId
from reelwork.domain.rate import Rate, RouteClass, Standing, rate_of
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

    def meter(self, account: Account, kind: RouteClass) -> Meter:
        """For one request of this account; nothing is charged yet."""
        return Meter(self.limiter, self._rate(account, kind), account.id)

    async def page(self, *, cursor: str | None, limit: int) -> Page[AccountRates]:
        """All accounts, newest first, without counting anything. Raises InvalidCursor."""
        before = check_cursor(cursor, "acct_")
        found = await self._directory.page(
            AccountFilter(), before=AccountId(before) if before else None, limit=limit + 1
        )
        return Page.cut(await asyncio.gather(*(self._rates(account) for account in found)), limit)

    async def _rates(self, account: Account) -> AccountRates:
        looks = [self.limiter.look(self._rate(account, kind), account.id) for kind in RouteClass]
        return AccountRates(account, dict(zip(RouteClass, await asyncio.gather(*looks), strict=True)))

    def _rate(self, account: Account, kind: RouteClass) -> Rate:
        return rate_of(kind, self._plans[account.tier])
