"""The local linear trend model: a level that moves by a slope, both of which wander.

    value[t] = level[t] + noise                      variance `observation`
    level[t + 1] = level[t] + slope[t] + step        variance `level`
    slope[t + 1] = slope[t] + turn                   variance `slope`

Nothing is known of the first level and slope: an exactly diffuse start (Durbin and Koopman, sections 3.2 and 5.2).
With `level` 0 this is the model of nearly constant velocity.
"""

from dataclasses import dataclass, field
from math import inf, log, nan
from typing import NamedTuple, TypeAlias

from reelwork.filtering.arithmetic import Arithmetic, Numbers, Run, TrendGain
from reelwork.filtering.level import NEARLY_SETTLED, SETTLED, Evidence

_BLOCK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendVariances:
    observation: float
    level: float
    slope: float


class Spread(NamedTuple):
    """The covariance of level and slope."""

    level: float
    both: float
    slope: float

    def ahead(self, variances: TrendVariances) -> "Spread":
        """One place on, before its value."""
        return Spread(
            self.level + 2.0 * self.both + self.slope + variances.level,
            self.both + self.slope,
            self.slope + variances.slope,
        )


class Step(NamedTuple):
    """One place, as the smoother needs it: the surprise by its variance, that variance (0 where nothing was seen or
    nothing could be learnt), the gains of level and slope, and the covariance afterwards."""

    weighted: float
    total: float
    gain: TrendGain
    spread: Spread


Row: TypeAlias = tuple[float, float, float, float, float, float, float, float, float]
"""A place while it is filtered: level, slope, and a step's numbers one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendStretch:
    """Places from `start`: one by one in `rows`, or a steady stretch with one `steady` step for all and its own
    surprises."""

    start: int
    stop: int
    rows: list[Row] = field(default_factory=list)
    steady: Step | None = None
    surprises: Numbers = None


@dataclass(slots=True, kw_only=True)
class TrendFilter:
    """Level and slope at each place by the values up to it, with their variances; not-a-number where they are not
    known at all. `begins`: the place of the second value, from which on both are known. `kept`: False where only the
    evidence was wanted."""

    kept: bool
    level: Numbers
    slope: Numbers
    level_variance: Numbers
    slope_variance: Numbers
    first: int
    begins: int
    stretches: list[TrendStretch] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    diffuse_logarithm: float = 0.0


@dataclass(slots=True)
class _State:
    level: float
    slope: float
    spread: Spread


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same while a series is filtered."""

    values: Numbers
    variances: TrendVariances
    arithmetic: Arithmetic


def filter_trend(
    values: Numbers, runs: list[Run], variances: TrendVariances, arithmetic: Arithmetic, *, keep: bool = True
) -> TrendFilter:
    """Filter a series with at least two values. `keep`: not only for the evidence."""
    count, first = len(values) if keep else 0, runs[0].start
    second = first + 1 if runs[0].stop > first + 1 else runs[1].start
    found = TrendFilter(
        kept=keep,
        level=arithmetic.constant(nan, count),
        slope=arithmetic.constant(nan, count),
        level_variance=arithmetic.constant(inf, count),
        slope_variance=arithmetic.constant(inf, count),
        first=first,
        begins=second,
    )
    task = _Task(values, variances, arithmetic)
    state = _begin(task, found, first, second)
    place = second + 1
    for run in runs:
        if run.stop <= place:
            continue
        _cross_gap(found, state, place, run.start, variances)
        place = _approach(task, found, state, Run(max(place, run.start), run.stop))
        _settled(task, found, state, Run(place, run.stop))
        place = run.stop
    _cross_gap(found, state, place, count, variances)
    return found


def _begin(task: _Task, found: TrendFilter, first: int, second: int) -> _State:
    """The state after the second value, where the start's own doubt has gone: the line through both values.

    With a gap of g places between them and w the noise of value and steps over that gap, the slope at the second value
    is (y2 - y1) / g. Its error gathers the noise of both values, the level's steps, and each turn by how many places
    it acted before the second value; a turn also moves the slope itself.
    """
    values, variances, arithmetic = task.values, task.variances, task.arithmetic
    gap = second - first
    one, other = (arithmetic.part(values, place, place + 1)[0] for place in (first, second))
    noise = variances.observation
    # The mean slope over the gap misses the last one by the turns: the i-th of g - 1 that count weighs i / g.
    turns = sum((index / gap) ** 2 for index in range(1, gap + 1))
    spread = Spread(noise, noise / gap, (2.0 * noise + gap * variances.level) / gap**2 + turns * variances.slope)
    state = _State(other, (other - one) / gap, spread)
    found.diffuse_logarithm = 2.0 * log(gap)
    if found.kept:
        found.level[first : first + 1] = arithmetic.constant(one, 1)
        found.level_variance[first : first + 1] = arithmetic.constant(noise, 1)
    _note(found, second, [(state.level, state.slope, 0.0, 0.0, 0.0, 0.0, *spread)])
    return state


def _note(found: TrendFilter, start: int, rows: list[Row]) -> None:
    """Keep what was found place by place."""
    if not found.kept or not rows:
        return
    stop = start + len(rows)
    found.level[start:stop] = [row[0] for row in rows]
    found.slope[start:stop] = [row[1] for row in rows]
    found.level_variance[start:stop] = [row[6] for row in rows]
    found.slope_variance[start:stop] = [row[8] for row in rows]
    found.stretches.append(TrendStretch(start=start, stop=stop, rows=rows))


def _cross_gap(found: TrendFilter, state: _State, start: int, stop: int, variances: TrendVariances) -> None:
    rows = list[Row]()
    for _ in range(start, stop):
        state.level += state.slope
        state.spread = state.spread.ahead(variances)
        rows.append((state.level, state.slope, 0.0, 0.0, 0.0, 0.0, *state.spread))
    _note(found, start, rows)


def _approach(task: _Task, found: TrendFilter, state: _State, run: Run) -> int:
    """Value by value, until the covariance has settled and the rest is worth a call; the place reached."""
    place, settled, shortest = run.start, False, task.arithmetic.shortest
    while place < run.stop and not (settled and run.stop - place >= shortest):
        taken, settled = _take(task, found, state, Run(place, run.stop))
        place += taken
    found.evidence.count += place - run.start
    return place


def _take(task: _Task, found: TrendFilter, state: _State, run: Run) -> tuple[int, bool]:
    """Learn from the next values one by one, until the covariance has settled; how many it were, and whether it has."""
    variances, evidence, arithmetic = task.variances, found.evidence, task.arithmetic
    noise, step, turn = variances.observation, variances.level, variances.slope
    level, slope, (left, both, right) = state.level, state.slope, state.spread
    near, most = SETTLED if found.kept else NEARLY_SETTLED, run.stop - run.start - arithmetic.shortest
    rows, count, settled = list[Row](), 0, False
    for count, value in enumerate(arithmetic.part(task.values, run.start, min(run.start + _BLOCK, run.stop)), start=1):
        level += slope
        above, beside, below = left + 2.0 * both + right + step, both + right, right + turn
        total, surprise, first, second = above + noise, value - level, 0.0, 0.0
        if total > 0.0:
            first, second = above / total, beside / total
            level += first * surprise
            slope += second * surprise
            evidence.squares += surprise * surprise / total
            evidence.logarithms += log(total)
            above, beside, below = above * noise / total, beside * noise / total, below - second * beside
        settled = (
            total > 0.0
            and abs(above - left) <= near * above
            and abs(beside - both) <= near * abs(beside)
            and abs(below - right) <= near * below
        )
        left, both, right = above, beside, below
        if found.kept:
            weighted = surprise / total if total > 0.0 else 0.0
            rows.append((level, slope, weighted, total, first, second, left, both, right))
        if settled and count <= most:
            break
    state.level, state.slope, state.spread = level, slope, Spread(left, both, right)
    _note(found, run.start, rows)
    return count, settled


def _settled(task: _Task, found: TrendFilter, state: _State, rest: Run) -> None:
    """The rest of a run, in which every value is treated alike."""
    values, variances, arithmetic = task.values, task.variances, task.arithmetic
    length = rest.stop - rest.start
    if length <= 0:
        return
    spread = state.spread.ahead(variances)
    total = spread.level + variances.observation
    gain = TrendGain(level=spread.level / total, slope=spread.both / total)
    run = arithmetic.trend(values[rest.start : rest.stop], state.level, state.slope, gain)
    found.evidence.squares += arithmetic.squares(run.surprises, arithmetic.constant(0.0, length)) / total
    found.evidence.logarithms += length * log(total)
    found.evidence.count += length
    state.level, state.slope = (arithmetic.part(row, length - 1, length)[0] for row in (run.levels, run.slopes))
    if not found.kept:
        return
    found.level[rest.start : rest.stop] = run.levels
    found.slope[rest.start : rest.stop] = run.slopes
    found.level_variance[rest.start : rest.stop] = arithmetic.constant(state.spread.level, length)
    found.slope_variance[rest.start : rest.stop] = arithmetic.constant(state.spread.slope, length)
    steady = Step(0.0, total, gain, state.spread)
    found.stretches.append(TrendStretch(start=rest.start, stop=rest.stop, steady=steady, surprises=run.surprises))
