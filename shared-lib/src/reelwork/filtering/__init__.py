"""Filtering and smoothing of time series by linear Gaussian state-space models. Pure: no I/O, no packages.

    level.py        the local level model: filter and fixed-interval smoother
    trend.py        the local linear trend model: filter; `trend_smoother.py` its smoother
    fit.py          variances by maximum likelihood; `optimise.py` finds the maximum
    estimate.py     all of it for one series, as models use it
    arithmetic.py   plain floats; `vectorised.py`: the same on NumPy and SciPy, for long series

Sources: J. Durbin, S. J. Koopman, Time Series Analysis by State Space Methods, 2nd ed., 2012 (chapters 2, 4 and 5);
A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989.
"""

from reelwork.filtering.arithmetic import PLAIN, Arithmetic
from reelwork.filtering.estimate import Estimate, Path, TooFewValues, estimate
from reelwork.filtering.fit import Kind, Variances

__all__ = ["PLAIN", "Arithmetic", "Estimate", "Kind", "Path", "TooFewValues", "Variances", "estimate"]
