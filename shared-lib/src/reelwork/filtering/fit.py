"""Variances by maximum likelihood.

The likelihood depends on the variances' ratios; their scale that fits best then follows from the surprises. So one
number is searched for in the local level model, and two in the trend model, as logarithms. A variance that does best at
nothing at all is 0: a series without any noise, or one that never changes, is not rare.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import exp, inf, log
from typing import Literal, TypeAlias

from reelwork.filtering.arithmetic import Arithmetic, Numbers, Run
from reelwork.filtering.level import Evidence, LevelVariances, filter_level
from reelwork.filtering.optimise import Point, smallest_around, smallest_between
from reelwork.filtering.trend import TrendVariances, filter_trend

Kind: TypeAlias = Literal["level", "trend"]

# Ratios that are tried first, as powers of ten; the search goes on around the best of them.
_FIRST_LEVELS = (-6, -5, -4, -3, -2, -1, 0, 1, 2, 4)
_FIRST_TRENDS = tuple(product((-6, -3, -1, 1), (-8, -5, -3, -1)))
_WITHIN = 1e-5  # of the logarithms: far finer than any series can tell
_SAME = 1e-6  # likelihoods that differ by less say the same: then a variance is rather nothing than next to nothing
_LOW, _HIGH = -13.0, 9.0  # powers of ten beyond which a variance is nothing, beside the other or the other beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Variances:
    """Of the noise in each value, of the level's steps and, in the trend model, of the slope's. In the values' unit,
    squared. None: to be estimated."""

    observation: float | None = None
    level: float | None = None
    slope: float | None = None

    def of(self, kind: Kind) -> tuple[float | None, ...]:
        """Those that the model has."""
        return (self.observation, self.level) if kind == "level" else (self.observation, self.level, self.slope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a likelihood is taken of: a series with values, and the model. `rounding`: the variance that its values have
    by being floats; a smaller one is none."""

    values: Numbers
    runs: list[Run]
    kind: Kind
    arithmetic: Arithmetic
    rounding: float = 0.0
    check: Callable[[], None] = lambda: None

    @property
    def unknowns(self) -> int:
        """How many values the start uses up."""
        return 1 if self.kind == "level" else 2

    @property
    def observed(self) -> int:
        return sum(run.stop - run.start for run in self.runs)


def fitted(series: Series, wanted: Variances) -> Variances:
    """The variances as they are asked for, with the others by maximum likelihood.

    A series that the model explains without any noise has none. One with too few values to tell is taken as one whose
    variances are alike. Raises nothing.
    """
    asked = wanted.of(series.kind)
    free = [place for place, value in enumerate(asked) if value is None]
    if not free:
        return wanted
    if series.observed <= series.unknowns:
        return _named(tuple(0.0 if value is None else value for value in asked))
    if series.observed < series.unknowns + len(free):
        return _alike(series, asked)
    return _most_likely(series, asked, free)


def _evidence(series: Series, variances: tuple[float, ...]) -> Evidence:
    if series.kind == "level":
        level = LevelVariances(observation=variances[0], level=variances[1])
        return filter_level(series.values, series.runs, level, series.arithmetic, keep=False).evidence
    trend = TrendVariances(observation=variances[0], level=variances[1], slope=variances[2])
    return filter_trend(series.values, series.runs, trend, series.arithmetic, keep=False).evidence


def _named(values: tuple[float, ...]) -> Variances:
    return Variances(observation=values[0], level=values[1], slope=values[2] if len(values) > 2 else None)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """`badness`: minus the likelihood, but for constants; `variances`: at the scale that is best for them."""

    badness: float
    variances: tuple[float, ...]


def _most_likely(series: Series, asked: tuple[float | None, ...], free: list[int]) -> Variances:
    known = [value for value in asked if value]  # fixed, and not at 0
    # Where nothing is fixed, the scale is free: ratios to the first free variance are searched for.
    searched = free if known else free[1:]
    unit = max(known) if known else 1.0

    def at(logarithms: Point, without: tuple[int, ...] = ()) -> _Candidate:
        values = [1.0 if value is None else value for value in asked]
        for place, logarithm in zip(searched, logarithms, strict=True):
            values[place] = unit * exp(logarithm)
        for place in without:
            values[place] = 0.0
        return _candidate(series, tuple(values), scaled=not known)

    if not searched:
        return _named(at(()).variances)
    best = _search(lambda point: at(point).badness, len(searched))
    candidates = [at(best), *(at(best, without) for without in _subsets(free))]
    least = min(each.badness for each in candidates)
    good = [each.variances for each in candidates if each.badness <= least + _SAME]
    return _named(max(good, key=lambda variances: variances.count(0.0)))


def _subsets(free: list[int]) -> Iterator[tuple[int, ...]]:
    """Which of the free variances may be nothing: any of them, and in a trend two at once."""
    yield from ((place,) for place in free)
    yield from ((one, other) for one in free for other in free if one < other and len(free) > 2)


def _search(of: Callable[[Point], float], size: int) -> Point:
    """The logarithms at which it is smallest: the best of a few first, then closer to it."""
    known: dict[Point, float] = {}

    def remembered(point: Point) -> float:
        if point not in known:
            known[point] = of(point)
        return known[point]

    ten = log(10.0)
    if size == 1:
        exponents = [float(exponent) for exponent in _FIRST_LEVELS]
        best = min(exponents, key=lambda exponent: remembered((exponent * ten,)))
        place = exponents.index(best)
        low = exponents[place - 1] if place else _LOW
        high = exponents[place + 1] if place + 1 < len(exponents) else _HIGH
        return (smallest_between(lambda x: remembered((x,)), low * ten, high * ten, within=_WITHIN),)
    firsts = _FIRST_TRENDS if size == 2 else tuple((1, *first) for first in _FIRST_TRENDS)
    start = min((tuple(x * ten for x in first) for first in firsts), key=remembered)
    return smallest_around(remembered, start, low=_LOW * ten, high=_HIGH * ten, within=10 * _WITHIN)


def _candidate(series: Series, variances: tuple[float, ...], *, scaled: bool) -> _Candidate:
    """How well variances do: at the best scale for their ratios, or as they are."""
    if not any(variances):
        return _Candidate(inf, variances)
    series.check()
    evidence = _evidence(series, variances)
    if not scaled:
        return _Candidate(evidence.logarithms + evidence.squares, variances)
    scale = evidence.squares / evidence.count
    if scale <= series.rounding:  # explained without any noise
        return _Candidate(-inf, tuple(0.0 for _ in variances))
    return _Candidate(evidence.logarithms + evidence.count * log(scale), tuple(scale * value for value in variances))


def _alike(series: Series, asked: tuple[float | None, ...]) -> Variances:
    """Too few values for more than a scale: what is free is taken to be as large as what is known, or as each other."""
    known = [value for value in asked if value]
    values = tuple((max(known) if known else 1.0) if value is None else value for value in asked)
    return _named(values if known else _candidate(series, values, scaled=True).variances)
