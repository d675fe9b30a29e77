"""The operations on long rows of numbers that a filter spends its time in, and how they are done in plain floats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple, Protocol, TypeAlias

# `Any`: a list of floats, or an array of another arithmetic; what both can do is slicing, assigning slices and `len`.
Numbers: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Run:
    """Values from `start` to before `stop` with none missing, and none on either side."""

    start: int
    stop: int


class TrendGain(NamedTuple):
    """What a settled trend filter does at each value: `level` and `slope` of the surprise are added."""

    level: float
    slope: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRun:
    """A settled stretch: `surprises` (value less forecast), and the state after each value."""

    surprises: Numbers
    levels: Numbers
    slopes: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class BackRun:
    """The smoother's weighted sums of later surprises, as each place sees them, and as the place before it will."""

    levels: Numbers
    slopes: Numbers
    last: tuple[float, float]


class Arithmetic(Protocol):
    """Two ways of doing the same. `shortest`: stretches below this length are not worth a call."""

    shortest: int

    def numbers(self, values: Iterable[float]) -> Numbers:
        """Its own row of these values; not-a-number where one is missing."""

    def constant(self, value: float, count: int) -> Numbers: ...

    def ramp(self, first: float, step: float, count: int) -> Numbers:
        """`first`, `first + step`, …"""

    def runs(self, values: Numbers) -> list[Run]:
        """Where values are, in order."""

    def part(self, values: Numbers, start: int, stop: int) -> list[float]:
        """A piece as plain floats."""

    def reversed(self, values: Numbers) -> Numbers: ...

    def averaged(self, values: Numbers, last: float, weight: float) -> Numbers:
        """Exponential smoothing: each is `weight` of its value and the rest of the one before, `last` to begin with."""

    def squares(self, values: Numbers, of: Numbers) -> float:
        """The sum of squared differences."""

    def trend(self, values: Numbers, level: float, slope: float, gain: TrendGain) -> TrendRun:
        """The settled trend filter, from the state after the value before."""

    def trend_back(self, weighted: Numbers, last: tuple[float, float], gain: TrendGain) -> BackRun:
        """The settled backward recursion over surprises by their variance, which come last first."""

    def moved(self, values: Numbers, first: Numbers, second: Numbers, weights: tuple[float, float]) -> Numbers:
        """The values and, for each, so much of `first` and of `second`."""

    def times(self, values: Numbers, factor: float) -> Numbers: ...

    def shifted(self, first: float, values: Numbers) -> Numbers:
        """`first`, then all values but the last."""

    def plus(self, values: Numbers, amount: float) -> Numbers: ...

    def largest(self, values: Numbers) -> float:
        """The largest magnitude among those that are there."""


class _Plain:
    """Lists of floats: for short series, where no package is."""

    shortest = 1

    def numbers(self, values: Iterable[float]) -> list[float]:
        return list(values)

    def constant(self, value: float, count: int) -> list[float]:
        return [value] * count

    def ramp(self, first: float, step: float, count: int) -> list[float]:
        return [first + step * index for index in range(count)]

    def runs(self, values: Sequence[float]) -> list[Run]:
        found, start = list[Run](), None
        for index, value in enumerate(values):
            if isnan(value):
                if start is not None:
                    found.append(Run(start, index))
                start = None
            elif start is None:
                start = index
        return found if start is None else [*found, Run(start, len(values))]

    def part(self, values: Sequence[float], start: int, stop: int) -> list[float]:
        return list(values[start:stop])

    def reversed(self, values: Sequence[float]) -> list[float]:
        return list(values[::-1])

    def averaged(self, values: Sequence[float], last: float, weight: float) -> list[float]:
        rest, found = 1.0 - weight, list[float]()
        for value in values:
            last = weight * value + rest * last
            found.append(last)
        return found

    def squares(self, values: Sequence[float], of: Sequence[float]) -> float:
        return sum((value - other) ** 2 for value, other in zip(values, of, strict=True))

    def trend(self, values: Sequence[float], level: float, slope: float, gain: TrendGain) -> TrendRun:
        surprises, levels, slopes = list[float](), list[float](), list[float]()
        for value in values:
            level += slope
            surprise = value - level
            level += gain.level * surprise
            slope += gain.slope * surprise
            surprises.append(surprise)
            levels.append(level)
            slopes.append(slope)
        return TrendRun(surprises=surprises, levels=levels, slopes=slopes)

    def trend_back(self, weighted: Sequence[float], last: tuple[float, float], gain: TrendGain) -> BackRun:
        level, slope = last
        kept, lost = 1.0 - gain.level - gain.slope, gain.slope
        levels, slopes = list[float](), list[float]()
        for value in weighted:
            levels.append(level)
            slopes.append(slope)
            level, slope = value + kept * level - lost * slope, level + slope
        return BackRun(levels=levels, slopes=slopes, last=(level, slope))

    def moved(
        self, values: Sequence[float], first: Sequence[float], second: Sequence[float], weights: tuple[float, float]
    ) -> list[float]:
        of_first, of_second = weights
        rows = zip(values, first, second, strict=True)
        return [value + of_first * one + of_second * other for value, one, other in rows]

    def times(self, values: Sequence[float], factor: float) -> list[float]:
        return [value * factor for value in values]

    def shifted(self, first: float, values: Sequence[float]) -> list[float]:
        return [first, *values[:-1]]

    def plus(self, values: Sequence[float], amount: float) -> list[float]:
        return [value + amount for value in values]

    def largest(self, values: Sequence[float]) -> float:
        return max((abs(value) for value in values if not isnan(value)), default=0.0)


PLAIN: Arithmetic = _Plain()
