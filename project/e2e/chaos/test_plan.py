"""The plan of a storm comes from its seed alone."""

from collections import Counter

import pytest

from chaos.plan import POINTS, Fate, Kind, Plan, make_plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(7, jobs=1000, lease_seconds=4)


def test_the_same_seed_makes_the_same_plan(plan: Plan) -> None:
    assert make_plan(7, jobs=1000, lease_seconds=4) == plan


def test_another_seed_makes_another_plan(plan: Plan) -> None:
    other = make_plan(8, jobs=1000, lease_seconds=4)

    assert other.faults != plan.faults
    assert [job.seconds for job in other.jobs] != [job.seconds for job in plan.jobs]


@pytest.mark.parametrize("jobs", [20, 60, 1000])
def test_even_a_short_storm_has_every_kind_of_fault_and_a_poison_job(jobs: int) -> None:
    short = make_plan(7, jobs=jobs, lease_seconds=4)

    assert {fault.kind for fault in short.faults} == set(Kind)
    assert Fate.POISON in {job.fate for job in short.jobs}
    assert len(short.jobs) + len(short.points) == jobs


def test_every_fault_is_over_before_the_storm_is(plan: Plan) -> None:
    assert all(fault.at >= 0 and fault.at + fault.lasting <= plan.storm_seconds for fault in plan.faults)


def test_frozen_workers_lose_their_leases(plan: Plan) -> None:
    frozen = [fault.lasting for fault in plan.faults if fault.kind is Kind.WORKER_FROZEN]

    assert min(frozen) > plan.lease_seconds


def test_every_fault_point_has_a_job_that_leads_to_it(plan: Plan) -> None:
    assert len(plan.points) == sum(fault.kind in POINTS for fault in plan.faults)


def test_tags_are_unique_and_all_accounts_and_fates_take_part(plan: Plan) -> None:
    everything = [*plan.jobs, *plan.points]

    assert max(Counter(job.tag for job in everything).values()) == 1
    assert {job.account for job in plan.jobs} == set(plan.accounts)
    assert {job.fate for job in plan.jobs} == set(Fate)
    assert sum(job.cancel_after is not None for job in plan.jobs) >= 50
