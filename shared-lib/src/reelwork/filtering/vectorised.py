"""The same operations on NumPy arrays: a settled filter is a linear recursion, which SciPy runs in compiled code."""

from array import array
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from reelwork.filtering.arithmetic import Arithmetic, BackRun, Run, TrendGain, TrendRun

Row: TypeAlias = npt.NDArray[np.float64]


class _Vectorised:
    """Rows are arrays of doubles. `shortest`: a call costs as much as some hundred steps in plain floats."""

    shortest = 150

    def numbers(self, values: Iterable[float]) -> Row:
        return np.asarray(values if isinstance(values, np.ndarray | array) else list(values), dtype=np.float64)

    def constant(self, value: float, count: int) -> Row:
        return np.full(count, value)

    def ramp(self, first: float, step: float, count: int) -> Row:
        return first + step * np.arange(count, dtype=np.float64)

    def runs(self, values: Row) -> list[Run]:
        there = np.concatenate(([False], ~np.isnan(values), [False]))
        edges = np.flatnonzero(there[1:] != there[:-1]).tolist()
        return [Run(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]

    def part(self, values: Row, start: int, stop: int) -> list[float]:
        found: list[float] = values[start:stop].tolist()
        return found

    def reversed(self, values: Row) -> Row:
        return values[::-1]

    def averaged(self, values: Row, last: float, weight: float) -> Row:
        rest = 1.0 - weight
        found: Row = lfilter([weight], [1.0, -rest], values, zi=[rest * last])[0]
        return found

    def squares(self, values: Row, of: Row) -> float:
        difference = values - of
        return float(difference @ difference)

    def trend(self, values: Row, level: float, slope: float, gain: TrendGain) -> TrendRun:
        """The forecasts are an ARMA(2, 2) of the values: the state's two recursions, one put into the other."""
        first, second = gain.level + gain.slope, gain.slope
        forecast, forecast_slope = level + slope, slope
        state = [forecast, forecast_slope - forecast]
        forecasts, state = lfilter(
            [0.0, first, second - first], [1.0, first - 2.0, 1.0 - first + second], values, zi=state
        )
        surprises = values - forecasts
        levels = forecasts + gain.level * surprises
        slopes = np.append(forecasts[1:], state[0]) - levels
        return TrendRun(surprises=surprises, levels=levels, slopes=slopes)

    def trend_back(self, weighted: Row, last: tuple[float, float], gain: TrendGain) -> BackRun:
        """The slope's sum obeys one recursion of the second order, and the level's is its next step."""
        level, slope = last
        kept, lost = 1.0 - gain.level - gain.slope, gain.slope
        once, twice = -(1.0 + kept), kept + lost
        coming = level + slope
        state = [-once * coming - twice * slope, -twice * coming]
        later: Row = lfilter([1.0], [1.0, once, twice], weighted, zi=state)[0]
        slopes = np.concatenate(([slope, coming], later))
        levels = np.diff(slopes)
        return BackRun(levels=levels[:-1], slopes=slopes[:-2], last=(float(levels[-1]), float(slopes[-2])))

    def moved(self, values: Row, first: Row, second: Row, weights: tuple[float, float]) -> Row:
        return values + weights[0] * first + weights[1] * second

    def times(self, values: Row, factor: float) -> Row:
        return values * factor

    def shifted(self, first: float, values: Row) -> Row:
        return np.concatenate(([first], values[:-1]))

    def plus(self, values: Row, amount: float) -> Row:
        return values + amount

    def largest(self, values: Row) -> float:
        return float(np.nanmax(np.abs(values), initial=0.0))


VECTORISED: Arithmetic = _Vectorised()
