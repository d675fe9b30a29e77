"""A pool as it stands: who waits, who works, how long such jobs take. Read whole, so that all numbers fit together."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reelwork.domain.eta import Quantiles, Under, Waiting, quantiles, size_class
from reelwork.domain.ids import LaneId
from reelwork.domain.lane import FIRST_ESTIMATE_SECONDS
from reelwork.store.standings import Crew, Standing, Standings, Task
from reelwork.store.stores import Stores

# In a pool with more lanes than this at once nobody is told a time.
MOST_LANES = 200
# What stands first in a queue says how long its jobs take; for so many lanes it is looked at, the rest by their mean.
MOST_HEADS = 32
HEADS = 10
# Fewer runs than this on inputs of one size say less than all runs of the model.
FEW_SAMPLES = 3

Sizes = Mapping[int, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """How long runs took, by model and size class."""

    by_model: Mapping[str, Sizes]

    def of(self, model: str, values: Mapping[str, object]) -> Sequence[float]:
        """Seconds, of inputs about as large; of all inputs if too few were."""
        sizes = self.by_model.get(model, {})
        alike = sizes.get(size_class(values), ())
        return alike if len(alike) >= FEW_SAMPLES else [length for lengths in sizes.values() for length in lengths]

    def quantiles(self, model: str, values: Mapping[str, object]) -> Quantiles | None:
        return quantiles(self.of(model, values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`complete`: every lane of the pool is in it. `queued`: claimable jobs of each lane that has any.
    `looked_for`: models whose runs would be known if there were any. `held_since`: the pool is held for everybody."""

    at: datetime
    lanes: Mapping[LaneId, Standing]
    complete: bool
    queued: Mapping[LaneId, int]
    heads: Mapping[LaneId, Sequence[Task]]
    under: Mapping[str, Task]
    crew: Crew
    runs: Runs
    looked_for: frozenset[str]
    held_since: datetime | None

    def backlog(self) -> list[Waiting] | None:
        """The lanes with anything to do, for a simulation; None where the length of some job is not known at
        all, or nothing starts at all."""
        if self.held_since is not None:
            return None
        lanes = [self._waiting(lane) for lane in self.lanes.values() if self.queued.get(lane.id) or lane.places]
        known = [lane for lane in lanes if lane is not None]
        return known if len(known) == len(lanes) and self.complete else None

    def waiting(self, lane: Standing, *, queued: int, lengths: Sequence[float]) -> Waiting | None:
        """One lane as it would be with so many jobs of these lengths in its queue."""
        running = [self._under(lane, place.id, place.charge, place.at) for place in lane.places]
        known = [job for job in running if job.lengths]
        if not lengths or len(known) < len(running):
            return None
        return Waiting(
            id=lane.id,
            weight=lane.weight,
            limit=lane.limit,
            vstart=lane.vstart,
            last_start=lane.last_start,
            estimate=lane.estimate,
            paused=lane.paused,
            queued=queued,
            lengths=lengths,
            running=known,
        )

    def _waiting(self, lane: Standing) -> Waiting | None:
        queued = self.queued.get(lane.id, 0)
        return self.waiting(lane, queued=queued, lengths=self.lengths(lane) if queued else [lane.estimate])

    def lengths(self, lane: Standing) -> Sequence[float]:
        """How long the lane's queued jobs take: by those that stand first in it, else by the mean it has learnt."""
        samples = [self.runs.of(task.model, task.input) for task in self.heads.get(lane.id, ())]
        if samples and all(samples):
            return [length for lengths in samples for length in lengths]
        return _learnt(lane)

    def _under(self, lane: Standing, place: str, charge: float, since: datetime) -> Under:
        task = self.under.get(place)
        lengths = self.runs.of(task.model, task.input) if task is not None else ()
        elapsed = max(0.0, (self.at - since).total_seconds())
        return Under(slot=place, charge=charge, elapsed=elapsed, lengths=lengths or _learnt(lane))


def _learnt(lane: Standing) -> Sequence[float]:
    """The mean length of the lane's jobs, once any has ended: before that it is a constant."""
    return [] if lane.estimate == FIRST_ESTIMATE_SECONDS else [max(0.0, lane.estimate)]


async def take(stores: Stores, pool: str, *, models: Iterable[str] = ()) -> Snapshot:
    """The pool now, and the runs of all models in it and of these. Raises StoreUnavailable."""
    standings, at = stores.standings, datetime.now(UTC)
    lanes = await standings.pool(pool, most=MOST_LANES)
    queued = await standings.queued([lane.id for lane in lanes]) if lanes else {}
    places = [place.id for lane in lanes for place in lane.places]
    under = await standings.under(places) if places else {}
    heads = await _heads(standings, [lane for lane in lanes if queued.get(lane.id)])
    tasks = [*under.values(), *(task for head in heads.values() for task in head)]
    wanted = frozenset([*models, *(task.model for task in tasks)])
    return Snapshot(
        at=at,
        lanes={lane.id: lane for lane in lanes},
        complete=len(lanes) < MOST_LANES,
        queued=queued,
        heads=heads,
        under=under,
        crew=await standings.crew(pool, running=[task.id for task in under.values()]),
        runs=Runs(by_model=await stores.runtimes.of(wanted)),
        looked_for=wanted,
        held_since=(await stores.pools.held()).get(pool),
    )


async def _heads(standings: Standings, lanes: Sequence[Standing]) -> dict[LaneId, list[Task]]:
    looked_at = [lane.id for lane in lanes[:MOST_HEADS]]
    found = await asyncio.gather(*(standings.heads(lane, most=HEADS) for lane in looked_at))
    return dict(zip(looked_at, found, strict=True))
