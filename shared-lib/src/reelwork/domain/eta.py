"""When a waiting job will start: the scheduler's own rules, played several times over the backlog as it stands.

How long jobs take is drawn from how long such jobs took lately. Nothing here promises anything: jobs that come later
and weigh more are not foreseen.
"""

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reelwork.domain.ids import LaneId
from reelwork.domain.schedule import Lane, Pool, Running, simulate

# So often a backlog is played: less often the longer it is, since sums of many lengths differ little. Together that is
# a few thousand starts, about a tenth of a second.
RUNS = range(5, 12)
ALL_STARTS = 6000
# So many starts are foreseen in each run; for jobs behind them nothing is said.
MOST_STARTS = 1500
# Inputs that say nothing about the length of a run.
_NO_SIZE = frozenset({"seed"})
_CLASSES = range(-10, 61)
# A run that takes longer than any before it: expected to go on for this part of the time it took already.
_OVERTIME = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """In seconds; `samples`: how many finished runs stand behind them."""

    p50: float
    p90: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """In half of all cases by `p50`, in nine of ten by `p90`: seconds from now."""

    p50: float
    p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """A job that runs: for how long already, and how long such jobs took (seconds)."""

    slot: str
    charge: float
    elapsed: float
    lengths: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A lane's part of the backlog. `lengths`: how long its queued jobs may take, in seconds; never empty."""

    id: LaneId
    weight: int
    limit: int
    vstart: float
    last_start: float
    estimate: float
    paused: bool
    queued: int
    lengths: Sequence[float]
    running: Sequence[Under]


def size_class(values: Mapping[str, object]) -> int:
    """How large a job is by its input, in powers of two of the product of its numbers: twice as long, one class up.

    Which numbers make a run longer only the model knows; equal inputs at least are in the same class.
    """
    sizes = [
        math.log2(abs(value))
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and value and name not in _NO_SIZE
    ]
    return max(_CLASSES.start, min(_CLASSES.stop - 1, round(sum(sizes))))


def quantiles(samples: Sequence[float]) -> Quantiles | None:
    """None for no samples at all."""
    if not samples:
        return None
    ordered = sorted(samples)
    return Quantiles(p50=_at(ordered, 0.5), p90=_at(ordered, 0.9), samples=len(ordered))


def foresee(lanes: Sequence[Waiting], *, workers: int, seed: int = 0) -> dict[LaneId, list[Span]]:
    """For each lane when its first, second … queued job starts; shorter than its queue where nothing can be said.

    `workers`: jobs that the pool runs at once. The same answer for the same backlog.
    """
    chance = random.Random(seed)  # noqa: S311  (a simulation)
    starts: dict[LaneId, list[list[float]]] = defaultdict(list)
    most = _most(lanes)
    for _ in range(_runs(lanes)):
        for lane, at in _play(lanes, workers=workers, most=most, chance=chance).items():
            starts[lane].append(at)
    return {lane: list(_spans(runs)) for lane, runs in starts.items()}


def _runs(lanes: Sequence[Waiting]) -> int:
    backlog = min(MOST_STARTS, sum(lane.queued for lane in lanes))
    return max(RUNS.start, min(RUNS.stop - 1, ALL_STARTS // max(1, backlog)))


def _most(lanes: Sequence[Waiting]) -> int:
    """How many jobs of one lane are put into the simulation."""
    busy = sum(1 for lane in lanes if lane.queued)
    return MOST_STARTS if busy <= 1 else max(50, 3 * MOST_STARTS // busy)


def _play(lanes: Sequence[Waiting], *, workers: int, most: int, chance: random.Random) -> dict[LaneId, list[float]]:
    pool = Pool(_lane(lane) for lane in lanes)
    queues = {each.id: [chance.choice(each.lengths) for _ in range(min(each.queued, most))] for each in lanes}
    cut = {lane.id: most for lane in lanes if lane.queued > most}
    running = [_running(lane.id, job, chance) for lane in lanes for job in lane.running]
    starts: dict[LaneId, list[float]] = {lane.id: [] for lane in lanes}
    played = simulate(pool, queues, workers=workers, running=running)
    for count, start in enumerate(played, start=1):
        starts[start.lane].append(start.at)
        if count >= MOST_STARTS or len(starts[start.lane]) == cut.get(start.lane):
            break  # what follows would be told from jobs that were left out
    return starts


def _lane(waiting: Waiting) -> Lane:
    return Lane(
        id=waiting.id,
        weight=waiting.weight,
        limit=waiting.limit,
        vstart=waiting.vstart,
        last_start=waiting.last_start,
        estimate=waiting.estimate,
        charges={job.slot: job.charge for job in waiting.running},
        active=bool(waiting.queued),
        paused=waiting.paused,
    )


def _running(lane: LaneId, job: Under, chance: random.Random) -> Running:
    longer = [length for length in job.lengths if length > job.elapsed]
    total = chance.choice(longer) if longer else job.elapsed * (1 + _OVERTIME)
    return Running(lane=lane, slot=job.slot, seconds=total, ends=total - job.elapsed)


def _spans(runs: Sequence[Sequence[float]]) -> Iterable[Span]:
    """Number by number, as long as at least nine of ten runs reached it."""
    for number in range(max(map(len, runs), default=0)):
        times = sorted([run[number] if number < len(run) else math.inf for run in runs])
        span = Span(p50=_at(times, 0.5), p90=_at(times, 0.9))
        if math.isinf(span.p90):
            return
        yield span


def _at(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of them lies (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
