"""The smoother of the local linear trend model: one walk from the last place to the first.

It carries the weighted sum of all later surprises, and that sum's variance (Durbin and Koopman, sections 4.4 and 5.3).
"""

from dataclasses import dataclass

from reelwork.filtering.arithmetic import Arithmetic, Numbers, TrendGain
from reelwork.filtering.diffuse import NOTHING, Matrix, carried_back, smooth_diffuse
from reelwork.filtering.level import SETTLED
from reelwork.filtering.trend import Spread, Step, TrendFilter, TrendStretch, TrendVariances


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendSmoother:
    """Level and slope at each place by all values, with their variances."""

    level: Numbers
    slope: Numbers
    level_variance: Numbers
    slope_variance: Numbers

    def put(self, place: int, state: tuple[float, float], spread: Matrix) -> None:
        rows = (self.level, self.slope, self.level_variance, self.slope_variance)
        for row, value in zip(rows, (*state, spread[0], spread[3]), strict=True):
            row[place] = value


@dataclass(slots=True)
class _Later:
    """What is known from all later places: the sum of their surprises, and its variance."""

    level: float
    slope: float
    spread: Spread


def smooth_trend(
    values: Numbers, filtered: TrendFilter, variances: TrendVariances, arithmetic: Arithmetic
) -> TrendSmoother:
    """The fixed-interval smoother."""
    count = len(filtered.level)
    rows = [arithmetic.constant(0.0, count) for _ in range(4)]
    found = TrendSmoother(level=rows[0], slope=rows[1], level_variance=rows[2], slope_variance=rows[3])
    later = _Later(0.0, 0.0, Spread(0.0, 0.0, 0.0))
    for stretch in reversed(filtered.stretches):
        if stretch.steady is not None:
            _walk_steadily(found, filtered, later, stretch, arithmetic)
        else:
            _walk(found, filtered, later, stretch, arithmetic)
    one, other = (arithmetic.part(values, place, place + 1)[0] for place in (filtered.first, filtered.begins))
    _smooth_beginning(found, (one, other), filtered, later, variances)
    return found


def _walk(
    found: TrendSmoother, filtered: TrendFilter, later: _Later, stretch: TrendStretch, arithmetic: Arithmetic
) -> None:
    start, stop = stretch.start, stretch.stop
    levels, slopes = (arithmetic.part(row, start, stop) for row in (filtered.level, filtered.slope))
    level_variances, slope_variances = [0.0] * len(levels), [0.0] * len(levels)
    for index in range(stop - start - 1, -1, -1):
        _, _, weighted, total, first, second, *spread = stretch.rows[index]
        known = Spread(*spread)
        levels[index] += (known.level + known.both) * later.level + known.both * later.slope
        slopes[index] += (known.both + known.slope) * later.level + known.slope * later.slope
        level_variances[index], slope_variances[index] = _spreads(known, later.spread)
        if start + index > filtered.begins:
            _go_back(later, Step(weighted, total, TrendGain(first, second), known))
    found.level[start:stop], found.slope[start:stop] = levels, slopes
    found.level_variance[start:stop], found.slope_variance[start:stop] = level_variances, slope_variances


def _walk_steadily(
    found: TrendSmoother, filtered: TrendFilter, later: _Later, stretch: TrendStretch, arithmetic: Arithmetic
) -> None:
    step = stretch.steady
    if step is None:
        raise ValueError("not a steady stretch")
    start, stop, known = stretch.start, stretch.stop, step.spread
    weighted = arithmetic.times(arithmetic.reversed(stretch.surprises), 1.0 / step.total)
    back = arithmetic.trend_back(weighted, (later.level, later.slope), step.gain)
    levels, slopes = arithmetic.reversed(back.levels), arithmetic.reversed(back.slopes)
    of_level, of_slope = (known.level + known.both, known.both), (known.both + known.slope, known.slope)
    found.level[start:stop] = arithmetic.moved(filtered.level[start:stop], levels, slopes, of_level)
    found.slope[start:stop] = arithmetic.moved(filtered.slope[start:stop], levels, slopes, of_slope)
    later.level, later.slope = back.last
    place = stop
    while place > start:
        before, place = later.spread, place - 1
        found.level_variance[place], found.slope_variance[place] = _spreads(known, before)
        later.spread = _spread_before(before, step)
        if _settled(before, later.spread):
            break
    level_variance, slope_variance = _spreads(known, later.spread)
    found.level_variance[start:place] = arithmetic.constant(level_variance, place - start)
    found.slope_variance[start:place] = arithmetic.constant(slope_variance, place - start)


def _settled(one: Spread, other: Spread) -> bool:
    pairs = ((one.level, other.level), (one.both, other.both), (one.slope, other.slope))
    return all(abs(before - after) <= SETTLED * abs(after) for before, after in pairs)


def _go_back(later: _Later, step: Step) -> None:
    """The sums as the place before sees them."""
    first, second = step.gain.level + step.gain.slope, step.gain.slope
    later.spread = _spread_before(later.spread, step)
    later.level, later.slope = (
        step.weighted + (1.0 - first) * later.level - second * later.slope,
        later.level + later.slope,
    )


def _spread_before(after: Spread, step: Step) -> Spread:
    kept, lost = 1.0 - step.gain.level - step.gain.slope, step.gain.slope
    seen = 1.0 / step.total if step.total > 0.0 else 0.0
    level = kept * after.level - lost * after.both
    both = kept * after.both - lost * after.slope
    return Spread(seen + kept * level - lost * both, level + both, after.level + 2.0 * after.both + after.slope)


def _spreads(known: Spread, later: Spread) -> tuple[float, float]:
    """What is left of the variances of level and slope."""
    a, b, c = later.level, later.level + later.both, later.level + 2.0 * later.both + later.slope
    left, both, right = known.level, known.both, known.slope
    level = left - (left * left * a + 2.0 * left * both * b + both * both * c)
    slope = right - (both * both * a + 2.0 * both * right * b + right * right * c)
    return max(level, 0.0), max(slope, 0.0)


def _smooth_beginning(
    found: TrendSmoother, ends: tuple[float, float], filtered: TrendFilter, later: _Later, variances: TrendVariances
) -> None:
    """From the second value back to the first one and what is missing before it."""
    first, second = filtered.first, filtered.begins
    walk = smooth_diffuse(*ends, second - first, (later.level, later.slope, later.spread), variances)
    place, state, spread = second, (0.0, 0.0), NOTHING
    for state, spread in walk:
        place -= 1
        found.put(place, state, spread)
    while place > 0:  # nothing was seen yet: the state is carried back, its doubt grows
        place -= 1
        state = (state[0] - state[1], state[1])
        spread = carried_back(spread, variances)
        found.put(place, state, spread)
