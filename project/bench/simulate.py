"""Ten thousand workers in virtual time: the real fairness rules, arrivals drawn by a seed, no servers.

`python -m bench.simulate --help` tells what can be asked. The rules are those of `reelwork.domain.schedule`, which a
test holds to the real store bit by bit; what is left out is what a claim costs (`python -m bench scale` measures that).
The same seed and the same options give the same answer on every machine.
"""

import argparse
import heapq
import itertools
import math
import random
import statistics
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.tables import Table
from reelwork.domain.ids import LaneId
from reelwork.domain.schedule import Pool
from reelwork.domain.tier import PLANS, Tier

# How accounts are spread over the plans, and how unequal they are: log-normal around what their weight entitles them
# to, so that the busiest of ten thousand asks for some twenty times the median.
MIX = {Tier.DEVELOPER: 0.80, Tier.PRO: 0.15, Tier.ENTERPRISE: 0.05}
INEQUALITY = 0.8
# Lengths of jobs are log-normal as well: the longest of a thousand takes nine times the median.
SPREAD = 0.7
HOUR = 3600.0
MOST_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`load`: work that arrives to work that the workers can do; above 1 somebody has to wait for good."""

    workers: int = 10_000
    jobs_per_hour: int = 1_000_000
    accounts: int = 10_000
    hours: float = 1.0
    load: float = 0.9
    seed: int = 7

    @property
    def mean_seconds(self) -> float:
        return self.load * self.workers * HOUR / self.jobs_per_hour


@dataclass(slots=True, kw_only=True)
class Client:
    """One account: what it asks for, and what it got. Times in seconds of virtual time."""

    lane: LaneId
    tier: Tier
    rate: float
    queue: deque[tuple[float, float]] = field(default_factory=deque)
    asked: float = 0.0
    served: float = 0.0
    waits: list[float] = field(default_factory=list)
    could_start_since: float = math.inf
    longest_gap: float = 0.0


@dataclass(order=True, slots=True)
class Busy:
    """A worker with what it claimed, of one lane, one after the other."""

    ends: float
    number: int
    client: Client = field(compare=False)
    slots: tuple[str, ...] = field(compare=False)
    seconds: float = field(compare=False)


class Simulation:
    """One pool. `run` once."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.horizon = scenario.hours * HOUR
        self.clients = _clients(scenario)
        self.claims = 0
        self.empty_claims = 0
        self._by_lane = {client.lane: client for client in self.clients}
        self._pool = Pool()
        self._busy: list[Busy] = []

    def run(self) -> None:
        """Until the horizon; what waits then has waited at least so long, and counts."""
        for now, client, seconds in self._arrivals():
            self._end_until(now)
            self._arrive(now, client, seconds)
        self._end_until(self.horizon)
        for client in self.clients:
            client.waits.extend(self.horizon - came for came, _ in client.queue)
            self._note_gap(client, self.horizon)

    def _arrivals(self) -> Iterator[tuple[float, Client, float]]:
        """Poisson for every account: the whole is Poisson, and each arrival belongs to one by its rate."""
        random_, scenario = random.Random(self.scenario.seed), self.scenario
        shares = list(itertools.accumulate(client.rate for client in self.clients))
        middle = math.log(scenario.mean_seconds) - SPREAD**2 / 2
        now = 0.0
        while (now := now + random_.expovariate(scenario.jobs_per_hour / HOUR)) < self.horizon:
            (client,) = random_.choices(self.clients, cum_weights=shares)
            yield now, client, random_.lognormvariate(middle, SPREAD)

    def _arrive(self, now: float, client: Client, seconds: float) -> None:
        client.queue.append((now, seconds))
        client.asked += seconds
        plan = PLANS[client.tier]
        lane = self._pool.open(client.lane, weight=plan.weight, limit=plan.concurrent_jobs)
        if client.could_start_since == math.inf and not lane.full:
            client.could_start_since = now
        self._claim(now)

    def _end_until(self, now: float) -> None:
        while self._busy and self._busy[0].ends <= now:
            over = heapq.heappop(self._busy)
            self._pool.release(over.client.lane, over.slots, seconds=over.seconds)
            if over.client.queue and over.client.could_start_since == math.inf:
                over.client.could_start_since = over.ends
            self._claim(over.ends)

    def _claim(self, now: float) -> None:
        while len(self._busy) < self.scenario.workers:
            reservation = self._pool.reserve(str(self.claims), most=MOST_AT_ONCE)
            if reservation is None:
                return
            client = self._by_lane[reservation.lane]
            jobs = [client.queue.popleft() for _ in range(min(len(reservation.slots), len(client.queue)))]
            unused = reservation.slots[len(jobs) :]
            if unused:
                self._pool.give_back(reservation, unused, emptied=True)
            if jobs:
                self._start(now, client, reservation.slots[: len(jobs)], jobs)
            else:
                self.empty_claims += 1

    def _start(self, now: float, client: Client, slots: tuple[str, ...], jobs: Sequence[tuple[float, float]]) -> None:
        self.claims += 1
        begins = now
        for came, seconds in jobs:
            client.waits.append(begins - came)
            client.served += max(0.0, min(seconds, self.horizon - begins))
            begins += seconds
        self._note_gap(client, now)
        if client.queue and not self._pool[client.lane].full:
            client.could_start_since = now
        heapq.heappush(self._busy, Busy(begins, self.claims, client, slots, begins - now))

    def _note_gap(self, client: Client, now: float) -> None:
        """How long it had work and a free place, and nothing of it was started."""
        if client.could_start_since < now:
            client.longest_gap = max(client.longest_gap, now - client.could_start_since)
        client.could_start_since = math.inf


def _clients(scenario: Scenario) -> list[Client]:
    random_ = random.Random(scenario.seed + 1)
    tiers = random_.choices(list(MIX), weights=list(MIX.values()), k=scenario.accounts)
    return [
        Client(
            lane=LaneId(f"sim:{number}"),
            tier=tier,
            rate=random_.lognormvariate(0.0, INEQUALITY) * PLANS[tier].weight,
        )
        for number, tier in enumerate(tiers)
    ]


def ideal(clients: Sequence[Client], *, capacity: float, horizon: float) -> dict[LaneId, float]:
    """Weighted max-min fairness: nobody gets more than it asks for or than its limit lets run, and of what is left
    everybody gets by weight. Bertsekas, Gallager: Data Networks, 1992, section 6.5.2."""
    wants = {each.lane: min(each.asked, PLANS[each.tier].concurrent_jobs * horizon) for each in clients}
    open_ = sorted(clients, key=lambda each: wants[each.lane] / PLANS[each.tier].weight)
    weight, left, granted = float(sum(PLANS[each.tier].weight for each in open_)), capacity, {}
    for client in open_:
        own = PLANS[client.tier].weight
        granted[client.lane] = min(wants[client.lane], left * own / weight)
        left, weight = left - granted[client.lane], weight - own
    return granted


def tables(scenario: Scenario) -> list[Table]:
    """What came of it. The wall time of the simulation itself is not in the tables: they are the same everywhere."""
    simulation = Simulation(scenario)
    simulation.run()
    return [_table(simulation)]


def _table(simulation: Simulation) -> Table:
    scenario, clients = simulation.scenario, simulation.clients
    capacity = scenario.workers * simulation.horizon
    granted = ideal(clients, capacity=capacity, horizon=simulation.horizon)
    served = sum(client.served for client in clients)
    return Table(
        title=f"Simulated: {scenario.workers:,} workers at a load of {scenario.load:g}",
        note=f"{scenario.jobs_per_hour:,} jobs an hour of {scenario.mean_seconds:.1f} s on average (log-normal), "
        f"{scenario.accounts:,} accounts, {scenario.hours:g} h of virtual time, seed {scenario.seed}. The workers were "
        f"busy {served / capacity:.1%} of the time, with {simulation.claims / simulation.horizon:.0f} claims a second "
        "that found work and "
        f"{simulation.empty_claims / simulation.horizon:.0f} that found a lane empty. `Ideal`: weighted max-min shares "
        "of what was asked. `Worst account`: served to ideal, first percentile of those with at least 50 jobs. "
        "`Longest gap`: the longest that an account had work and a free place, and nothing of it was started; who had "
        "a long job waits longer for the next one.",
        columns=(
            *("plan", "accounts", "weight", "share", "ideal", "worst account"),
            *("wait p50", "p90", "p99", "longest gap"),
        ),
        rows=[
            _row(tier, [client for client in clients if client.tier is tier], granted, served, scenario.mean_seconds)
            for tier in reversed(MIX)
        ],
    )


def _row(tier: Tier, clients: Sequence[Client], granted: dict[LaneId, float], all_: float, mean: float) -> list[str]:
    waits = [wait for client in clients for wait in client.waits]
    points = statistics.quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99
    of_ideal = [client.served / granted[client.lane] for client in clients if granted[client.lane] >= 50 * mean]
    worst = statistics.quantiles(of_ideal, n=100)[0] if len(of_ideal) > 1 else math.nan
    return [
        tier.value,
        f"{len(clients):,}",
        str(PLANS[tier].weight),
        f"{sum(client.served for client in clients) / all_:.2%}",
        f"{sum(granted[client.lane] for client in clients) / sum(granted.values()):.2%}",
        f"{worst:.3f}",
        *(f"{points[number]:.1f} s" for number in (49, 89, 98)),
        f"{max(client.longest_gap for client in clients):.1f} s" if clients else "-",
    ]


def main() -> None:
    """Print the tables, and on the error stream how long it took."""
    default = Scenario()
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument("--workers", type=int, default=default.workers, help="jobs at once (%(default)s)")
    parser.add_argument("--jobs-per-hour", type=int, default=default.jobs_per_hour, help="arrivals (%(default)s)")
    parser.add_argument("--accounts", type=int, default=default.accounts, help="(%(default)s)")
    parser.add_argument("--hours", type=float, default=default.hours, help="of virtual time (%(default)s)")
    parser.add_argument("--load", type=float, default=default.load, help="work to capacity (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="(%(default)s)")
    begun = time.perf_counter()
    for table in tables(Scenario(**vars(parser.parse_args()))):
        sys.stdout.write(table.markdown())
    sys.stderr.write(f"\nSimulated in {time.perf_counter() - begun:.1f} s.\n")


if __name__ == "__main__":
    main()
