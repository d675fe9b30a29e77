"""A change of an account's plan is whole wherever the process dies: written down and followed, or not at all."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reelwork.domain.tier import PLANS, Tier
from reelwork.engine import plan
from testkit.services import fresh_database
from testkit.stage import Stage
from testkit.world import POOL, new_job

# Operations of a change, at most: each of them is the one before which the process dies.
STEPS = 40


@pytest.fixture(scope="module")
def opened_stage(mongo_url: str) -> Iterator[Stage]:
    with fresh_database(mongo_url) as name, Stage.open(mongo_url, name) as stage:
        yield stage


@pytest.mark.parametrize(("before", "after"), [(Tier.DEVELOPER, Tier.PRO), (Tier.PRO, Tier.FREE)])
def test_wherever_the_process_dies_the_lanes_are_what_the_account_says(
    opened_stage: Stage, before: Tier, after: Tier
) -> None:
    for lives in range(STEPS):
        if not _survives(opened_stage, before, after, lives):
            return
    raise AssertionError(f"a change takes more than {STEPS} operations")


def _survives(stage: Stage, before: Tier, after: Tier, lives: int) -> bool:
    """Whether the process died, and all was well after the next pass of the reconciler."""
    stage.do(stage.world.clear())
    world = stage.world
    mine = stage.do(world.joined(before))
    stage.do(world.stores.jobs.insert(*(new_job(mine) for _ in range(20))))
    stage.do(world.stores.lanes.open(mine))

    stage.try_to(plan.change(world.engine, mine.account_id, lambda terms: replace(terms, tier=after)), lives)
    died = stage.died
    stage.do(world.reconciler.run_once())

    account = stage.do(world.stores.accounts.get(mine.account_id))
    assert account is not None
    assert account.tier in {before, after}
    assert died or account.tier is after
    lane = stage.do(world.lane(mine.id))
    assert (lane["weight"], lane["limit"]) == (PLANS[account.tier].weight, PLANS[account.tier].concurrent_jobs)
    started = 0
    while stage.do(world.claim(pool=POOL)) is not None:
        started += 1
    assert started == PLANS[account.tier].concurrent_jobs
    assert not stage.do(world.stores.plans.pending(limit=10))
    return died
