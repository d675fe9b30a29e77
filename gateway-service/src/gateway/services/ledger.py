"""The books of an account: its owner reads them, whoever runs the installation adds to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.auth import Caller
from gateway.costs import account_cap_view, balance_view, spend_cap_view
from gateway.services.pages import check_cursor
from reelwork.contract.ledger import (
    ConcurrentJobs,
    DailyQuota,
    GrantBody,
    QuotaView,
    RateLimitView,
    RefundBody,
)
from reelwork.domain.account import Account
from reelwork.domain.errors import AccountNotFound, FieldError, InvalidInput
from reelwork.domain.ids import AccountId, EntryId, JobId, lane_id
from reelwork.domain.ledger import Balance, Entry, EntryKind, day_of
from reelwork.domain.money import ten_thousandths
from reelwork.domain.shortage import next_day
from reelwork.domain.tier import Plans
from reelwork.engine.grants import Grant, Refund, grant, refund
from reelwork.store.client import DatabaseClock
from reelwork.store.stores import Stores


@dataclass(frozen=True, slots=True)
class EntriesPage:
    items: Sequence[Entry]
    next_cursor: str | None


class LedgerService:
    """Reads and additions; reservations and charges are made where jobs are."""

    def __init__(self, stores: Stores, clock: DatabaseClock, plans: Plans, pools: Sequence[str]) -> None:
        self._stores = stores
        self._clock = clock
        self._plans = plans
        self._pools = pools

    async def page(
        self, caller: Caller, kinds: Sequence[EntryKind], job: str | None, *, cursor: str | None, limit: int
    ) -> EntriesPage:
        """The caller's own entries, newest first. Raises InvalidCursor."""
        before = check_cursor(cursor, "led_")
        found = await self._stores.ledger.page(
            caller.account.id,
            kinds=kinds,
            job=JobId(job) if job is not None else None,
            before=EntryId(before) if before else None,
            limit=limit + 1,
        )
        items = found[:limit]
        return EntriesPage(items, items[-1].serial if len(found) > limit else None)

    async def quota(self, caller: Caller) -> QuotaView:
        """What the caller may still do, as it is stored at this moment."""
        account = await self._stores.accounts.get(caller.account.id) or caller.account
        balance = await self._stores.balances.now(account.id) or Balance(id=account.id)
        plan, now = self._plans[account.tier], await self._clock.now()
        used = balance.days.get(day_of(now), 0) - await self._stores.books.idle_places(balance, day_of(now))
        limit = plan.jobs_per_day
        remaining = max(0, limit - used) if limit is not None else None
        active = await self._most_running(account)
        can = plan.concurrent_jobs > 0 and remaining != 0 and account.suspended_at is None
        return QuotaView(
            rate_limit=RateLimitView(requests_per_minute=plan.requests_per_minute),
            daily_quota=DailyQuota(limit=limit, used=used, remaining=remaining, resets_at=next_day(now)),
            concurrent_jobs=ConcurrentJobs(
                limit=plan.concurrent_jobs, active=active, available=max(0, plan.concurrent_jobs - active)
            ),
            max_video_duration=plan.max_duration_seconds,
            can_generate=can,
            can_batch_generate=can and plan.batch_items > 0,
            balance=balance_view(balance),
            spend_cap=spend_cap_view(caller.key, balance),
            account_spend_cap=account_cap_view(account, balance),
        )

    async def grant(self, caller: Caller, account_id: str, body: GrantBody, *, name: str) -> Entry:
        """Add credit; `name` is the request's own. Raises AccountNotFound, InvalidInput."""
        account, amount = await self._account(account_id), ten_thousandths(body.amount)
        if amount == 0:
            raise _nothing()
        order = Grant(account_id=account, amount=amount, name=name, note=body.note)
        return await grant(self._stores, order, by=caller.actor)

    async def refund(self, caller: Caller, account_id: str, body: RefundBody, *, name: str) -> Entry:
        """See `engine.grants.refund`. Raises AccountNotFound, JobNotFound, InvalidState, InvalidInput."""
        account = await self._account(account_id)
        amount = ten_thousandths(body.amount) if body.amount is not None else None
        if amount == 0:
            raise _nothing()
        order = Refund(account_id=account, job_id=JobId(body.job_id), name=name, amount=amount, note=body.note)
        return await refund(self._stores, order, by=caller.actor)

    async def _account(self, account_id: str) -> AccountId:
        account = await self._stores.accounts.get(AccountId(account_id))
        if account is None:
            raise AccountNotFound(
                f"There is no account {account_id[:100]!r}.", hint="Check the id; GET /v1/admin/accounts lists them."
            )
        return account.id

    async def _most_running(self, account: Account) -> int:
        lanes = await self._stores.standings.lanes([lane_id(pool, account.id) for pool in self._pools])
        return max((len(lane.places) for lane in lanes.values()), default=0)


def _nothing() -> InvalidInput:
    cure = "Send more than 0."
    error = FieldError(pointer="#/amount", code="too_small", detail=cure)
    return InvalidInput("Not valid: #/amount.", hint=cure, errors=[error])
