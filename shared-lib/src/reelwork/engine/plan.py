"""Changing what an account is entitled to: its lanes follow at once, so that the next claim goes by it.

What runs goes on, whatever the change. Where nothing may run any more (a suspended account, a plan without jobs),
`change` has waited for the claims under way when it answers: nothing starts from then on, but for the places that it
counts (`starting`), each of which may still start one job, within half a lease at most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from reelwork.domain.account import Account
from reelwork.domain.errors import AccountNotFound, StoreUnavailable
from reelwork.domain.ids import AccountId
from reelwork.domain.lane import LaneTerms, lane_of
from reelwork.engine.engine import Engine
from reelwork.engine.wake import claims_in_flight, wake
from reelwork.store.plans import AccountTerms

log = structlog.get_logger(__name__)

BATCH = 50
# Two operators who change one account at the same time; more tries than this are not expected outside of a loop.
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An account before and after. `starting`: see above."""

    before: Account
    after: Account
    starting: int = 0

    @property
    def is_change(self) -> bool:
        return self.before.plan_version != self.after.plan_version


async def change(engine: Engine, account_id: AccountId, decide: Callable[[AccountTerms], AccountTerms]) -> Changed:
    """Change an account from what it is to what `decide` makes of that. Safe to repeat: what is so already changes
    nothing.

    Durable when this returns. Raises AccountNotFound, InvalidState (the name is taken), StoreUnavailable; then it may
    be changed or not: ask, or say it again.
    """
    for _ in range(TRIES):
        before = await engine.stores.accounts.get(account_id)
        if before is None:
            raise no_such_account(account_id)
        wanted = decide(AccountTerms.of(before))
        if wanted == AccountTerms.of(before):
            return Changed(before=before, after=before)
        after = await engine.stores.plans.change(before, wanted)
        if after is not None:
            lanes = await _follow(engine, after)
            shut = [lane.id for lane in lanes if not lane.limit]
            starting = await claims_in_flight(engine, partial(engine.stores.holds.places, shut)) if shut else 0
            log.info("account.plan_changed", account_id=account_id, tier=after.tier, starting=starting)
            return Changed(before=before, after=after, starting=starting)
    raise StoreUnavailable("The account is being changed by others.", hint="Try again.", retry_after_seconds=1)


async def repair(engine: Engine) -> int:
    """Make the lanes follow changes that a crash cut short; how many accounts. Bounded."""
    pending = await engine.stores.plans.pending(limit=BATCH)
    for account in pending:
        await _follow(engine, account)
    return len(pending)


async def _follow(engine: Engine, account: Account) -> list[LaneTerms]:
    lanes = [lane_of(account, pool, engine.rules.plans) for pool in engine.pools]
    for terms in lanes:
        if await engine.stores.plans.follow(terms):
            await wake(engine, terms.id, terms.pool)
    await engine.stores.plans.followed(account)
    return lanes


def no_such_account(account_id: str) -> AccountNotFound:
    return AccountNotFound(
        f"There is no account {account_id[:100]!r}.", hint="Check the id; GET /v1/admin/accounts lists them."
    )
