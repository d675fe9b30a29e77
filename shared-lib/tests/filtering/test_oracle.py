"""Everything is what statsmodels says with an exact diffuse start, to 1e-8 (its own tolerance set to nothing)."""

import numpy as np
import pytest
from statsmodels.tsa.statespace.structural import UnobservedComponents

from reelwork.filtering import Variances, estimate

NAMES = {"level": "local level", "trend": "local linear trend"}
VARIANCES = Variances(observation=3.1, level=0.7, slope=0.02)
GAPS = (
    "nothing",
    "the beginning",
    "the end",
    "a long piece",
    "what follows the first value",
    "the beginning, and what follows the first value",
    "every third",
)


def theirs(values, kind):
    model = UnobservedComponents(np.array(values), NAMES[kind], use_exact_diffuse=True)
    model.ssm.tolerance = 0  # else they stop updating the covariance when it has nearly settled
    return model


@pytest.mark.parametrize("missing", GAPS)
@pytest.mark.parametrize("kind", ["level", "trend"])
def test_levels_slopes_variances_and_likelihood_are_those_of_statsmodels(noisy, arithmetic, kind, missing):
    values = noisy(missing=missing)
    known = theirs(values, kind).smooth(VARIANCES.of(kind))

    found = estimate(values, kind=kind, variances=VARIANCES, arithmetic=arithmetic)

    states = [(found.filtered, known.filtered_state, known.filtered_state_cov)]
    states += [(found.smoothed, known.smoothed_state, known.smoothed_state_cov)]
    sure = int(np.flatnonzero(~np.isnan(values))[1 if kind == "trend" else 0])
    for (path, state, covariance), start in zip(states, (sure, 0), strict=True):
        assert path.level[start:] == pytest.approx(state[0][start:], abs=1e-8)
        assert path.variance[start:] == pytest.approx(covariance[0, 0][start:], abs=1e-8)
        if kind == "trend":
            assert path.slope[start:] == pytest.approx(state[1][start:], abs=1e-8)
            assert path.slope_variance[start:] == pytest.approx(covariance[1, 1][start:], abs=1e-8)
    assert found.log_likelihood == pytest.approx(known.llf, abs=1e-8)


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [
        ("level", {}),
        ("level", {"level": 0.05}),
        ("level", {"missing": "every third"}),
        ("trend", {"slope": 0.3, "level": 0.0}),
        ("trend", {"slope": 0.1, "missing": "a long piece"}),
    ],
)
def test_no_variances_that_statsmodels_finds_are_more_likely(noisy, arithmetic, kind, drawn):
    values = noisy(**drawn)
    model = theirs(values, kind)

    found = estimate(values, kind=kind, arithmetic=arithmetic)

    assert model.loglike(found.variances.of(kind)) == pytest.approx(found.log_likelihood, abs=1e-8)
    assert found.log_likelihood >= model.fit(disp=False, maxiter=200).llf - 1e-6
