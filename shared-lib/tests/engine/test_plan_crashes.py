"""A change of an account's plan is whole wherever the process dies, and whoever else is at work: written down and
followed, or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelwork.domain.tier import PLANS, Tier
from reelwork.engine import plan
from reelwork.engine.claim import claim_batch
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


def test_in_whatever_order_changes_claims_and_old_gateways_meet_the_newest_plan_stands(
    opened_stage: Stage, examples: Callable[[int], int]
) -> None:
    stage, world = opened_stage, opened_stage.world

    @settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(choices=st.lists(st.integers(0, 5), max_size=80))
    def holds(choices: list[int]) -> None:
        stage.do(world.clear())
        mine = stage.do(world.joined(Tier.ENTERPRISE))
        stage.do(world.stores.jobs.insert(*(new_job(mine) for _ in range(5))))

        async def changed(tier: Tier) -> None:
            await plan.change(world.engine, mine.account_id, lambda terms: replace(terms, tier=tier))

        async def opened() -> None:
            await world.stores.lanes.open(mine)  # by a gateway that knows the account from before

        async def claimed() -> None:
            await claim_batch(world.engine, pool=POOL, worker="w", most=2)

        async def look() -> None:
            """What holds in between is the other tests' business."""

        stage.play(
            *(changed(Tier.PRO), changed(Tier.DEVELOPER), opened(), claimed(), opened(), claimed()),
            choices=choices,
            look=look,
        )

        account = stage.do(world.stores.accounts.get(mine.account_id))
        assert account is not None
        assert (account.plan_version, account.tier in {Tier.PRO, Tier.DEVELOPER}) == (2, True)
        lane = stage.do(world.lane(mine.id))
        assert (lane["weight"], lane["limit"]) == (PLANS[account.tier].weight, PLANS[account.tier].concurrent_jobs)
        assert lane["full"] == (len(lane["slots"]) >= lane["limit"])
        assert stage.do(world.stores.plans.pending(limit=10)) == []

    holds()
