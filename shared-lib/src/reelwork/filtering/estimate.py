"""A series in, its levels out: variances where they are not given, filter, and smoother where it is wanted."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reelwork.filtering.arithmetic import PLAIN, Arithmetic, Numbers
from reelwork.filtering.fit import Kind, Series, Variances, fitted
from reelwork.filtering.level import LevelVariances, filter_level, smooth_level
from reelwork.filtering.trend import TrendFilter, TrendVariances, filter_trend
from reelwork.filtering.trend_smoother import TrendSmoother, smooth_trend


class TooFewValues(ValueError):
    """The model cannot say anything about so few values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The level at each place and its variance; not-a-number where nothing is known of it yet. `slope`: in the trend
    model."""

    level: Numbers
    variance: Numbers
    slope: Numbers | None = None
    slope_variance: Numbers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`log_likelihood`: None where it has no bound: the series has no noise. `observed`: how many values are there."""

    kind: Kind
    variances: Variances
    log_likelihood: float | None
    observed: int
    filtered: Path
    smoothed: Path | None


def estimate(
    values: Iterable[float],
    *,
    kind: Kind = "level",
    variances: Variances | None = None,
    smooth: bool = True,
    arithmetic: Arithmetic = PLAIN,
    check: Callable[[], None] = lambda: None,
) -> Estimate:
    """Filter a series, and smooth it. A missing value is not-a-number; the others are finite and below 1e100.

    Everything is moved by the first value before, and back after, so that small steps far from 0 are not rounded away.
    `check` is called between any two looks at the whole series, and may raise to end it. Raises TooFewValues: the level
    model needs one value, the trend model two.
    """
    given = arithmetic.numbers(values)
    runs = arithmetic.runs(given)
    observed = sum(run.stop - run.start for run in runs)
    if observed < (1 if kind == "level" else 2):
        least = "one value" if kind == "level" else "two values"
        raise TooFewValues(
            f"The {kind} model needs at least {least} that {'is' if kind == 'level' else 'are'} not missing."
        )
    offset = arithmetic.part(given, runs[0].start, runs[0].start + 1)[0]
    rounding = (sys.float_info.epsilon * arithmetic.largest(given)) ** 2
    series = Series(
        values=arithmetic.plus(given, -offset),
        runs=runs,
        kind=kind,
        arithmetic=arithmetic,
        rounding=rounding,
        check=check,
    )
    found = fitted(series, variances or Variances())
    likelihood, filtered, smoothed = (_level if kind == "level" else _trend)(series, found, offset, smooth=smooth)
    return Estimate(
        kind=kind,
        variances=found,
        log_likelihood=likelihood if any(found.of(kind)) else None,
        observed=observed,
        filtered=filtered,
        smoothed=smoothed,
    )


def _level(series: Series, found: Variances, offset: float, *, smooth: bool) -> tuple[float, Path, Path | None]:
    arithmetic = series.arithmetic
    variances = LevelVariances(observation=found.observation or 0.0, level=found.level or 0.0)
    filtered = filter_level(series.values, series.runs, variances, arithmetic)
    smoothed = smooth_level(filtered, variances, arithmetic) if smooth else None
    return (
        filtered.evidence.log_likelihood(diffuse=1),
        Path(level=arithmetic.plus(filtered.mean, offset), variance=filtered.variance),
        Path(level=arithmetic.plus(smoothed.mean, offset), variance=smoothed.variance) if smoothed else None,
    )


def _trend(series: Series, found: Variances, offset: float, *, smooth: bool) -> tuple[float, Path, Path | None]:
    arithmetic = series.arithmetic
    variances = TrendVariances(observation=found.observation or 0.0, level=found.level or 0.0, slope=found.slope or 0.0)
    filtered = filter_trend(series.values, series.runs, variances, arithmetic)
    smoothed = smooth_trend(series.values, filtered, variances, arithmetic) if smooth else None
    likelihood = filtered.evidence.log_likelihood(diffuse=2, scale=filtered.diffuse_logarithm)
    return likelihood, _moved(filtered, offset, arithmetic), _moved(smoothed, offset, arithmetic) if smoothed else None


def _moved(found: TrendFilter | TrendSmoother, offset: float, arithmetic: Arithmetic) -> Path:
    return Path(
        level=arithmetic.plus(found.level, offset),
        variance=found.level_variance,
        slope=found.slope,
        slope_variance=found.slope_variance,
    )
