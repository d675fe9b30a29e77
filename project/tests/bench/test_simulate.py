"""The simulator: what it says of a pool that is too small, of one that is not, and twice of the same."""

import pytest

from bench.simulate import Scenario, Simulation, ideal, tables
from reelwork.domain.tier import Tier

CROWDED = Scenario(workers=60, jobs_per_hour=8_000, accounts=60, load=1.6, seed=3)
ROOMY = Scenario(workers=60, jobs_per_hour=8_000, accounts=60, load=0.5, seed=3)


def run(scenario: Scenario) -> Simulation:
    simulation = Simulation(scenario)
    simulation.run()
    return simulation


def utilisation(simulation: Simulation) -> float:
    capacity = simulation.scenario.workers * simulation.horizon
    return sum(client.served for client in simulation.clients) / capacity


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    again = Scenario(workers=60, jobs_per_hour=8_000, accounts=60, load=1.6, seed=4)

    assert tables(CROWDED) == tables(CROWDED)
    assert tables(CROWDED) != tables(again)


def test_a_pool_that_is_too_small_is_never_idle_and_serves_every_plan_its_share() -> None:
    simulation = run(CROWDED)

    granted = ideal(simulation.clients, capacity=CROWDED.workers * simulation.horizon, horizon=simulation.horizon)
    assert utilisation(simulation) > 0.97
    for tier in Tier:
        own = [client for client in simulation.clients if client.tier is tier]
        wanted = sum(granted[client.lane] for client in own)
        assert sum(client.served for client in own) == pytest.approx(wanted, rel=0.05)


def test_where_there_is_room_nobody_waits_but_for_the_own_limit() -> None:
    simulation = run(ROOMY)

    assert max(client.longest_gap for client in simulation.clients) < 1.0
    assert utilisation(simulation) == pytest.approx(0.5, abs=0.08)


def test_every_job_is_started_or_waits_at_the_end() -> None:
    simulation = run(CROWDED)

    assert sum(len(client.waits) for client in simulation.clients) == pytest.approx(8_000, rel=0.05)
    assert all(wait >= 0 for client in simulation.clients for wait in client.waits)
