"""Holding an account's own queue, and letting it go on.

What `pause` promises: once it has answered, no job of these lanes starts that was not already being claimed at that
moment; and those it has waited for. Only a worker that fell silent in the middle of a claim can be left over: then the
answer counts its places (`starting`), and each of them may still start one job, within half a lease at most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId, lane_id
from reelwork.domain.lane import lane_of
from reelwork.engine.engine import Engine
from reelwork.engine.wake import claims_in_flight, wake

log = structlog.get_logger(__name__)

BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The account after the order. `starting`: places whose claim did not end while we waited."""

    account: Account
    starting: int


async def pause(engine: Engine, account_id: AccountId, pools: Sequence[str]) -> Held:
    """Hold the account's lanes in these pools, those that do not exist yet too; running jobs go on. Safe to repeat.

    Durable when this returns. Raises StoreUnavailable; then the queue may be held or not: ask, or say it again.
    """
    account = await _ordered(engine, account_id, pools, held=True)
    lanes = [lane_id(pool, account_id) for pool in pools]
    starting = await claims_in_flight(engine, partial(engine.stores.holds.places, lanes))
    log.info("queue.paused", account_id=account_id, pools=list(pools), starting=starting)
    return Held(account=account, starting=starting)


async def resume(engine: Engine, account_id: AccountId, pools: Sequence[str]) -> Account:
    """Let the account's lanes in these pools go on, and wake workers. Safe to repeat. Raises StoreUnavailable."""
    account = await _ordered(engine, account_id, pools, held=False)
    log.info("queue.resumed", account_id=account_id, pools=list(pools))
    return account


async def repair(engine: Engine) -> int:
    """Make the lanes follow orders that a crash cut short; how many accounts. Bounded."""
    pending = await engine.stores.holds.pending(limit=BATCH)
    for account in pending:
        await _follow(engine, account, engine.pools)
    return len(pending)


async def _ordered(engine: Engine, account_id: AccountId, pools: Sequence[str], *, held: bool) -> Account:
    account = await engine.stores.holds.order(account_id, pools, held=held)
    if account is None:
        raise LookupError(f"there is no account {account_id}")
    await _follow(engine, account, engine.pools)
    return account


async def _follow(engine: Engine, account: Account, pools: Sequence[str]) -> None:
    """All pools, not only those of this order: the account may carry an older one that was cut short."""
    for pool in pools:
        terms = lane_of(account, pool, engine.rules.plans)
        if await engine.stores.holds.follow(account, terms):
            await wake(engine, terms.id, pool)
    await engine.stores.holds.followed(account)
