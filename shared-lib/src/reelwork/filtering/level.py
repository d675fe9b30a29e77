"""The local level model: a level that wanders, seen through noise.

    value[t] = level[t] + noise,  noise of variance `observation`
    level[t + 1] = level[t] + step,  step of variance `level`

Nothing is known of the first level (an exactly diffuse start). Durbin and Koopman, chapter 2.
"""

from dataclasses import dataclass, field
from math import inf, log, nan, pi

from reelwork.filtering.arithmetic import Arithmetic, Numbers, Run

# A variance that changes by less than this part of itself from one value to the next is constant from there on.
SETTLED = 1e-14
# The same where variances are still searched for.
NEARLY_SETTLED = 1e-11
# Values that are looked at one by one before it is asked again whether the filter has settled.
_BLOCK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelVariances:
    observation: float
    level: float


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What the likelihood is made of, over the surprises that have a variance: their squares by their variances, the
    logarithms of these, and how many they are."""

    squares: float = 0.0
    logarithms: float = 0.0
    count: int = 0

    def log_likelihood(self, *, diffuse: int, scale: float = 0.0) -> float:
        """`diffuse`: how many values the start used up; `scale`: what they add, since the start's own variance is free
        (Durbin and Koopman, section 7.2.2)."""
        return -0.5 * ((self.count + diffuse) * log(2.0 * pi) + self.logarithms + self.squares + scale)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Places from `start` to before `stop`; `steady`: their variances are all the same."""

    start: int
    stop: int
    steady: bool


@dataclass(slots=True, kw_only=True)
class LevelFilter:
    """The level at each place by the values up to it, and its variance; not-a-number before the first value. `kept`:
    False where only the evidence was wanted."""

    kept: bool
    mean: Numbers
    variance: Numbers
    first: int
    stretches: list[Stretch] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSmoother:
    """The level at each place by all values, and its variance."""

    mean: Numbers
    variance: Numbers


@dataclass(slots=True)
class _State:
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same while a series is filtered."""

    values: Numbers
    variances: LevelVariances
    arithmetic: Arithmetic


@dataclass(frozen=True, slots=True)
class _SmoothTask:
    """What stays the same while a filtered series is smoothed; `step`: the variance of the level's."""

    filtered: LevelFilter
    found: LevelSmoother
    step: float
    arithmetic: Arithmetic


def filter_level(
    values: Numbers, runs: list[Run], variances: LevelVariances, arithmetic: Arithmetic, *, keep: bool = True
) -> LevelFilter:
    """Filter a series with at least one run of values. Where both variances are 0, so are all of the level's. `keep`:
    not only for the evidence."""
    count, first = len(values) if keep else 0, runs[0].start
    mean, variance = arithmetic.constant(nan, count), arithmetic.constant(inf, count)
    found = LevelFilter(kept=keep, mean=mean, variance=variance, first=first)
    state = _State(arithmetic.part(values, first, first + 1)[0], variances.observation)
    task = _Task(values, variances, arithmetic)
    _note(found, first, [state.mean], [state.variance])
    place = first + 1
    for run in runs:
        _cross_gap(task, found, state, place, run.start)
        place = _approach(task, found, state, Run(max(place, run.start), run.stop))
        _settled(task, found, state, Run(place, run.stop))
        place = run.stop
    _cross_gap(task, found, state, place, count)
    return found


def _cross_gap(task: _Task, found: LevelFilter, state: _State, start: int, stop: int) -> None:
    """Nothing is seen: the level stays where it was, and is less and less known."""
    variances, arithmetic = task.variances, task.arithmetic
    length = stop - start
    if length <= 0:
        return
    if found.kept:
        found.mean[start:stop] = arithmetic.constant(state.mean, length)
        found.variance[start:stop] = arithmetic.ramp(state.variance + variances.level, variances.level, length)
        found.stretches.append(Stretch(start, stop, steady=False))
    state.variance += variances.level * length


def _note(found: LevelFilter, start: int, means: list[float], spreads: list[float]) -> None:
    """Keep what was found place by place."""
    if found.kept:
        stop = start + len(means)
        found.mean[start:stop], found.variance[start:stop] = means, spreads
        found.stretches.append(Stretch(start, stop, steady=False))


def _approach(task: _Task, found: LevelFilter, state: _State, run: Run) -> int:
    """Value by value, until the variance has settled and the rest is worth a call; the place reached."""
    values, variances, arithmetic = task.values, task.variances, task.arithmetic
    noise, step = variances.observation, variances.level
    mean, variance, evidence = state.mean, state.variance, found.evidence
    place, settled, near = run.start, False, SETTLED if found.kept else NEARLY_SETTLED
    while place < run.stop and not (settled and run.stop - place >= arithmetic.shortest):
        means, spreads, begun = list[float](), list[float](), place
        for value in arithmetic.part(values, place, min(place + _BLOCK, run.stop)):
            forecast = variance + step
            total = forecast + noise
            surprise = value - mean
            if total > 0.0:
                mean += forecast / total * surprise
                evidence.squares += surprise * surprise / total
                evidence.logarithms += log(total)
                known = forecast * noise / total
            else:
                known = 0.0
            settled = abs(known - variance) <= near * known
            variance = known
            means.append(mean)
            spreads.append(variance)
            place += 1
            if settled and run.stop - place >= arithmetic.shortest:
                break
        _note(found, begun, means, spreads)
    evidence.count += place - run.start
    state.mean, state.variance = mean, variance
    return place


def _settled(task: _Task, found: LevelFilter, state: _State, rest: Run) -> None:
    """The rest of a run, in which the filter is exponential smoothing."""
    values, variances, arithmetic = task.values, task.variances, task.arithmetic
    length = rest.stop - rest.start
    if length <= 0:
        return
    forecast = state.variance + variances.level
    total = forecast + variances.observation
    seen = values[rest.start : rest.stop]
    levels = arithmetic.averaged(seen, state.mean, forecast / total if total > 0.0 else 0.0)
    if total > 0.0:
        found.evidence.squares += arithmetic.squares(seen, arithmetic.shifted(state.mean, levels)) / total
        found.evidence.logarithms += length * log(total)
    found.evidence.count += length
    state.mean = arithmetic.part(levels, length - 1, length)[0]
    if found.kept:
        found.mean[rest.start : rest.stop] = levels
        found.variance[rest.start : rest.stop] = arithmetic.constant(state.variance, length)
        found.stretches.append(Stretch(rest.start, rest.stop, steady=True))


def smooth_level(filtered: LevelFilter, variances: LevelVariances, arithmetic: Arithmetic) -> LevelSmoother:
    """The fixed-interval smoother of Rauch, Tung and Striebel (1965), last place first."""
    count, step = len(filtered.mean), variances.level
    mean, variance = arithmetic.constant(0.0, count), arithmetic.constant(0.0, count)
    mean[count - 1 :], variance[count - 1 :] = filtered.mean[count - 1 :], filtered.variance[count - 1 :]
    state = _State(
        arithmetic.part(filtered.mean, count - 1, count)[0], arithmetic.part(filtered.variance, count - 1, count)[0]
    )
    found = LevelSmoother(mean=mean, variance=variance)
    task = _SmoothTask(filtered, found, step, arithmetic)
    for stretch in reversed(filtered.stretches):
        place = min(stretch.stop, count - 1)
        if stretch.steady and place > stretch.start:
            _smooth_steadily(task, state, Run(stretch.start, place))
        elif place > stretch.start:
            _smooth_singly(task, state, Run(stretch.start, place))
    first = filtered.first
    mean[:first] = arithmetic.constant(state.mean, first)
    variance[:first] = arithmetic.ramp(state.variance + step * first, -step, first)
    return found


def _smooth_singly(task: _SmoothTask, state: _State, run: Run) -> None:
    filtered, found, step, arithmetic = task.filtered, task.found, task.step, task.arithmetic
    means, spreads = list[float](), list[float]()
    known = zip(
        reversed(arithmetic.part(filtered.mean, run.start, run.stop)),
        reversed(arithmetic.part(filtered.variance, run.start, run.stop)),
        strict=True,
    )
    for mean, variance in known:
        forecast = variance + step
        weight = variance / forecast if forecast > 0.0 else 0.0
        state.mean = mean + weight * (state.mean - mean)
        state.variance = variance + weight * weight * (state.variance - forecast)
        means.append(state.mean)
        spreads.append(state.variance)
    found.mean[run.start : run.stop] = means[::-1]
    found.variance[run.start : run.stop] = spreads[::-1]


def _smooth_steadily(task: _SmoothTask, state: _State, run: Run) -> None:
    """Where the filter is settled, so is the smoother's weight; its variance soon is."""
    filtered, found, step, arithmetic = task.filtered, task.found, task.step, task.arithmetic
    variance = arithmetic.part(filtered.variance, run.start, run.start + 1)[0]
    forecast = variance + step
    weight = variance / forecast if forecast > 0.0 else 0.0
    backwards = arithmetic.reversed(filtered.mean[run.start : run.stop])
    means = arithmetic.averaged(backwards, state.mean, 1.0 - weight)
    state.mean = arithmetic.part(means, len(means) - 1, len(means))[0]
    found.mean[run.start : run.stop] = arithmetic.reversed(means)
    place = run.stop
    while place > run.start:
        before, place = state.variance, place - 1
        state.variance = variance + weight * weight * (before - forecast)
        found.variance[place : place + 1] = arithmetic.constant(state.variance, 1)
        if abs(state.variance - before) <= SETTLED * state.variance:
            break
    found.variance[run.start : place] = arithmetic.constant(state.variance, place - run.start)
