"""Plans, and what they entitle a lane to."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.ids import lane_id, new_account_id
from reelwork.domain.lane import TICKET_SECONDS, terms_for, tickets_for
from reelwork.domain.tier import PLANS, Tier


@pytest.mark.parametrize(
    ("tier", "weight", "at_once"),
    [(Tier.FREE, 1, 0), (Tier.DEVELOPER, 1, 3), (Tier.PRO, 5, 10), (Tier.ENTERPRISE, 10, 100)],
)
def test_a_lane_has_the_terms_of_its_accounts_plan(tier: Tier, weight: int, at_once: int) -> None:
    account = new_account_id()

    terms = terms_for(account, tier, "gpu")

    assert (terms.id, terms.account_id, terms.pool) == (lane_id("gpu", account), account, "gpu")
    assert (terms.weight, terms.limit) == (weight, at_once)


def test_every_tier_has_a_plan_and_a_higher_one_is_never_worse() -> None:
    assert set(PLANS) == set(Tier)
    for lower, higher in pairwise(PLANS[tier] for tier in Tier):
        assert lower.weight <= higher.weight
        assert lower.concurrent_jobs < higher.concurrent_jobs


@given(jobs=st.integers(1, 100_000), estimate=st.floats(0, 10_000))
def test_jobs_are_announced_by_one_ticket_each_or_one_for_each_second_of_them(jobs: int, estimate: float) -> None:
    tickets = tickets_for(jobs, estimate_seconds=estimate)

    assert 1 <= tickets <= jobs
    assert tickets == jobs or tickets * TICKET_SECONDS >= jobs * estimate * 0.999
