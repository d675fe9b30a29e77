"""Plans, and what they entitle a lane to."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.account import Account
from reelwork.domain.errors import AccountSuspended
from reelwork.domain.ids import lane_id, new_account_id
from reelwork.domain.lane import TICKET_SECONDS, lane_for_jobs, lane_of, terms_for, tickets_for
from reelwork.domain.tier import PLANS, Plans, Tier


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


def account(**fields: object) -> Account:
    return Account(id=new_account_id(), name="studio", created_at=datetime.now(UTC), **{"tier": Tier.PRO, **fields})


def test_an_account_may_have_a_weight_of_its_own() -> None:
    terms = lane_of(account(weight=7, plan_version=4), "cpu", Plans())

    assert (terms.weight, terms.limit, terms.plan_version) == (7, PLANS[Tier.PRO].concurrent_jobs, 4)


def test_a_suspended_account_has_no_places_and_takes_no_more_jobs() -> None:
    suspended = account(suspended_at=datetime.now(UTC))

    assert lane_of(suspended, "cpu", Plans()).limit == 0
    with pytest.raises(AccountSuspended):
        lane_for_jobs(suspended, "cpu", Plans())
