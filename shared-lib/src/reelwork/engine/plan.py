"""Changing what an account is entitled to: its lanes follow at once, so that the next claim goes by it.

What runs goes on, whatever the change. Where nothing may run any more (a suspended account, a plan without jobs),
`change` has waited for the claims under way when it answers: nothing starts from then on, but for the places that it
counts (`starting`), each of which may still start one job, within half a lease at most.
"""

from dataclasses import replace
from functools import partial

import structlog

from reelwork.domain.account import Account
from reelwork.domain.audit import THE_INSTALLATION, Actor
from reelwork.domain.ids import AccountId
from reelwork.domain.lane import LaneTerms, lane_of
from reelwork.engine.accounts import Changed, Decide, amend
from reelwork.engine.engine import Engine
from reelwork.engine.wake import claims_in_flight, wake

log = structlog.get_logger(__name__)

BATCH = 50


async def change(engine: Engine, account_id: AccountId, decide: Decide, *, by: Actor = THE_INSTALLATION) -> Changed:
    """Change an account from what it is to what `decide` makes of that, and its lanes with it. Safe to repeat.

    Raises what `amend` raises.
    """
    changed = await amend(engine.stores, account_id, decide, by=by)
    if not changed.is_change:
        return changed
    account = changed.after
    shut = [lane.id for lane in await _follow(engine, account) if not lane.limit]
    starting = await claims_in_flight(engine, partial(engine.stores.holds.places, shut)) if shut else 0
    log.info("account.plan_changed", account_id=account_id, tier=account.tier.value, starting=starting)
    return replace(changed, starting=starting)


async def repair(engine: Engine) -> int:
    """Make the lanes follow changes that were only written down, or cut short; how many accounts. Bounded."""
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
