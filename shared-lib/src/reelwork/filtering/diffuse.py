"""Smoothing the trend model back through its start, where the forecasts' covariance has an infinite part.

With P = k * infinite + finite and k without bound, what the smoother carries is expanded in powers of 1 / k, and the
leading terms are kept (Koopman and Durbin, Filtering and smoothing of state vector for diffuse state space models,
2003; section 5.3 of their book). There are two values at most, and a gap between them.
"""

from collections.abc import Iterator
from typing import TypeAlias, TypeVar

from reelwork.filtering.trend import Spread, TrendVariances

Matrix: TypeAlias = tuple[float, float, float, float]
"""Two by two, row by row."""
Vector: TypeAlias = tuple[float, float]
T = TypeVar("T", Vector, Matrix)

NOTHING: Matrix = (0.0, 0.0, 0.0, 0.0)
_UNIT: Matrix = (1.0, 0.0, 0.0, 1.0)
_AHEAD: Matrix = (1.0, 1.0, 0.0, 1.0)
_BACK: Matrix = (1.0, -1.0, 0.0, 1.0)


def smooth_diffuse(
    first: float, second: float, gap: int, later: tuple[float, float, Spread], variances: TrendVariances
) -> Iterator[tuple[Vector, Matrix]]:
    """State and covariance at the places before the second value back to the first, `gap` of them.

    `later`: the smoother's sums and their variance as the second value's place sees them.
    """
    steps = (variances.level, 0.0, 0.0, variances.slope)
    finite = [(variances.observation, 0.0, 0.0, 0.0)]  # of the forecasts from the first value on
    for _ in range(gap):
        finite.append(_sum(_around(_AHEAD, finite[-1]), steps))
    sums = _Sums(later)
    sums.see(second - first, _unknown(gap), finite[gap], variances.observation)
    for place in range(gap - 1, 0, -1):
        sums.cross()
        yield sums.smoothed((first, 0.0), _unknown(place), finite[place])
    sums.see(first, _UNIT, NOTHING, variances.observation)
    yield sums.smoothed((0.0, 0.0), _UNIT, NOTHING)


def carried_back(spread: Matrix, variances: TrendVariances) -> Matrix:
    """The covariance one place before, where nothing was seen before either."""
    return _around(_BACK, _sum(spread, (variances.level, 0.0, 0.0, variances.slope)))


class _Sums:
    """The expansions of the smoother's sums (`sum0`, `sum1`) and of their variance (`spread0` to `spread2`)."""

    def __init__(self, later: tuple[float, float, Spread]) -> None:
        level, slope, spread = later
        self.sum0: Vector = (level, slope)
        self.sum1: Vector = (0.0, 0.0)
        self.spread0: Matrix = (spread.level, spread.both, spread.both, spread.slope)
        self.spread1 = self.spread2 = NOTHING

    def see(self, surprise: float, infinite: Matrix, finite: Matrix, noise: float) -> None:
        """Go back over a value whose forecast was infinitely uncertain."""
        doubt, total = infinite[0], finite[0] + noise
        gain = (infinite[0] / doubt, infinite[2] / doubt)
        less = ((finite[0] - gain[0] * total) / doubt, (finite[2] - gain[1] * total) / doubt)
        kept = _product(_AHEAD, (1.0 - gain[0], 0.0, -gain[1], 1.0))
        lost = _product(_AHEAD, (-less[0], 0.0, -less[1], 0.0))
        both = _sum(_applied(_flip(kept), self.sum1), _applied(_flip(lost), self.sum0))
        self.sum1 = (surprise / doubt + both[0], both[1])
        self.sum0 = _applied(_flip(kept), self.sum0)
        once, crossed = _between(lost, self.spread0, kept), _between(lost, self.spread1, kept)
        self.spread2 = _sum(
            _sum((-total / doubt**2, 0.0, 0.0, 0.0), _between(kept, self.spread2, kept)),
            _sum(_sum(crossed, _flip(crossed)), _between(lost, self.spread0, lost)),
        )
        self.spread1 = _sum(
            _sum((1.0 / doubt, 0.0, 0.0, 0.0), _between(kept, self.spread1, kept)), _sum(once, _flip(once))
        )
        self.spread0 = _between(kept, self.spread0, kept)

    def cross(self) -> None:
        """Go back over a place without a value."""
        self.sum0, self.sum1 = _applied(_flip(_AHEAD), self.sum0), _applied(_flip(_AHEAD), self.sum1)
        self.spread0, self.spread1, self.spread2 = (
            _between(_AHEAD, spread, _AHEAD) for spread in (self.spread0, self.spread1, self.spread2)
        )

    def smoothed(self, forecast: Vector, infinite: Matrix, finite: Matrix) -> tuple[Vector, Matrix]:
        state = _sum(forecast, _sum(_applied(finite, self.sum0), _applied(infinite, self.sum1)))
        crossed = _product(_product(infinite, self.spread1), finite)
        less = _sum(
            _sum(_product(_product(finite, self.spread0), finite), _sum(crossed, _flip(crossed))),
            _product(_product(infinite, self.spread2), infinite),
        )
        level, both, other, slope = (known - gone for known, gone in zip(finite, less, strict=True))
        return state, (max(level, 0.0), both, other, max(slope, 0.0))


def _unknown(gap: int) -> Matrix:
    """The infinite part so many places after the first value: the slope was not known at all."""
    return (float(gap * gap), float(gap), float(gap), 1.0)


def _sum(one: T, other: T) -> T:
    return tuple(left + right for left, right in zip(one, other, strict=True))  # type: ignore[return-value]


def _product(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d = one
    e, f, g, h = other
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


def _applied(matrix: Matrix, vector: Vector) -> Vector:
    return (matrix[0] * vector[0] + matrix[1] * vector[1], matrix[2] * vector[0] + matrix[3] * vector[1])


def _flip(matrix: Matrix) -> Matrix:
    return (matrix[0], matrix[2], matrix[1], matrix[3])


def _between(left: Matrix, middle: Matrix, right: Matrix) -> Matrix:
    """left' middle right."""
    return _product(_product(_flip(left), middle), right)


def _around(matrix: Matrix, middle: Matrix) -> Matrix:
    """matrix middle matrix'."""
    return _product(_product(matrix, middle), _flip(matrix))
