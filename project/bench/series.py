"""A million points filtered and smoothed, beside the packages that people take for it; and the variances found.

The peers come with `locks/bench.txt`. Whoever would need minutes gets fewer points: the table says so, and compares the
time for one point. The run fails unless what they find is the same.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.tables import Table, ratio
from reelwork.filtering import Variances, estimate
from reelwork.filtering.vectorised import VECTORISED

Row: TypeAlias = npt.NDArray[np.float64]

POINTS = 1_000_000
FEWER = 20_000
GAPPED = 100_000
FITTED = 20_000
ROUNDS = 3
KNOWN = Variances(observation=4.0, level=0.5)
# What is asked of statsmodels, which starts as we do; the others start from a wide guess, whose trace is soon gone.
SAME = 1e-8
NEARLY = 1e-6
SETTLED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    name: str
    points: int
    seconds: float
    off: float | None

    @property
    def nanoseconds(self) -> float:
        return self.seconds / self.points * 1e9


def drawn(count: int, *, missing: float = 0.0) -> Row:
    random = np.random.default_rng(7)
    values = np.cumsum(random.normal(size=count) * 0.7) + random.normal(size=count) * 2
    values[random.random(count) < missing] = np.nan
    return values


def ours(values: Row) -> Row:
    found = estimate(values, variances=KNOWN, arithmetic=VECTORISED).smoothed
    levels: Row = found.level if found is not None else values
    return levels


def statsmodels(values: Row) -> Row:
    levels: Row = _structural(values).smooth(KNOWN.of("level")).smoothed_state[0]
    return levels


def _structural(values: Row) -> Any:  # statsmodels has no types
    from statsmodels.tsa.statespace.structural import UnobservedComponents  # noqa: PLC0415  (in the bench lock only)

    return UnobservedComponents(values, "local level", use_exact_diffuse=True)


def filterpy(values: Row) -> Row:
    from filterpy.kalman import KalmanFilter  # noqa: PLC0415

    model = KalmanFilter(dim_x=1, dim_z=1)
    model.x, model.P = np.array([[values[0]]]), np.array([[1e6]])
    model.F = model.H = np.array([[1.0]])
    model.Q, model.R = np.array([[KNOWN.level]]), np.array([[KNOWN.observation]])
    means, covariances, _, _ = model.batch_filter([None if np.isnan(value) else value for value in values])
    levels: Row = model.rts_smoother(means, covariances)[0].ravel()
    return levels


def pykalman(values: Row) -> Row:
    from pykalman import KalmanFilter  # noqa: PLC0415

    model = KalmanFilter(
        transition_matrices=[[1]],
        observation_matrices=[[1]],
        transition_covariance=[[KNOWN.level]],
        observation_covariance=[[KNOWN.observation]],
        initial_state_mean=[values[0]],
        initial_state_covariance=[[1e6]],
    )
    levels: Row = model.smooth(np.ma.masked_invalid(values))[0].ravel()
    return levels


def simdkalman(values: Row) -> Row:
    from simdkalman import KalmanFilter  # noqa: PLC0415

    model = KalmanFilter(
        state_transition=np.array([[1.0]]),
        process_noise=np.array([[KNOWN.level]]),
        observation_model=np.array([[1.0]]),
        observation_noise=KNOWN.observation,
    )
    start = np.array([values[0]]), np.array([[1e6]])
    levels: Row = model.smooth(values, initial_value=start[0], initial_covariance=start[1]).states.mean.ravel()
    return levels


PEERS: tuple[tuple[str, Callable[[Row], Row], int], ...] = (
    ("statsmodels", statsmodels, POINTS),
    ("filterpy", filterpy, FEWER),
    ("pykalman", pykalman, FEWER),
    ("simdkalman", simdkalman, FEWER),
)


def measure() -> list[Table]:
    """The sections of the report. Raises AssertionError where two packages differ."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        return [
            _known("A million points filtered and smoothed", drawn(POINTS)),
            _known("A hundred thousand points, one in a hundred missing", drawn(GAPPED, missing=0.01)),
            _fitted(),
        ]


def _known(title: str, values: Row) -> Table:
    mine, exact = _timed(ours, values, rounds=ROUNDS)
    rows = [Measured(name="Reelwork", points=len(values), seconds=mine, off=None)]
    for name, smooth, most in PEERS:
        points = min(most, len(values))
        seconds, found = _timed(smooth, values[:points], rounds=1)
        theirs = exact if points == len(values) else ours(values[:points])
        off = float(np.max(np.abs(found - theirs)[0 if name == "statsmodels" else SETTLED :]))
        assert off < (SAME if name == "statsmodels" else NEARLY), f"{name} is off by {off:g}"
        rows.append(Measured(name=name, points=points, seconds=seconds, off=off))
    return Table(
        title=title,
        note="A local level with known variances, all in one run; of ours the median of several rounds. Whoever would "
        f"need minutes got {FEWER:,} points; compare the time for one. Off: the largest difference of a smoothed level "
        f"to ours, after the first {SETTLED} points where a package starts from a guess.",
        columns=["", "points", "seconds", "ns a point", "to ours", "off"],
        rows=[
            [
                each.name,
                f"{each.points:,}",
                f"{each.seconds:.3f}",
                f"{each.nanoseconds:.0f}",
                ratio(each.nanoseconds, rows[0].nanoseconds),
                f"{each.off:.0e}" if each.off is not None else "",
            ]
            for each in rows
        ],
    )


def _timed(smooth: Callable[[Row], Row], values: Row, *, rounds: int) -> tuple[float, Row]:
    seconds, found = [], values
    for _ in range(rounds):
        begun = time.perf_counter()
        found = smooth(values)
        seconds.append(time.perf_counter() - begun)
    return median(seconds), found


def _fitted() -> Table:
    values = drawn(FITTED)
    begun = time.perf_counter()
    mine = estimate(values, arithmetic=VECTORISED)
    between = time.perf_counter()
    theirs = _structural(values).fit(disp=False)
    seconds = {"Reelwork": between - begun, "statsmodels": time.perf_counter() - between}
    likelihoods = {"Reelwork": mine.log_likelihood or 0.0, "statsmodels": float(theirs.llf)}
    assert likelihoods["Reelwork"] >= likelihoods["statsmodels"] - 1e-3
    return Table(
        title="Variances by maximum likelihood",
        note=f"{FITTED:,} points of a local level, with what follows: filter and smoother.",
        columns=["", "seconds", "to ours", "log-likelihood"],
        rows=[
            [name, f"{taken:.2f}", ratio(taken, seconds["Reelwork"]), f"{likelihoods[name]:.4f}"]
            for name, taken in seconds.items()
        ],
    )
