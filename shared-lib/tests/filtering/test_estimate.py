"""Filters where a series is short, flat, gapped or extreme."""

from math import inf, isnan, log, nan, pi

import numpy as np
import pytest

from reelwork.filtering import PLAIN, TooFewValues, Variances, estimate
from reelwork.filtering.vectorised import VECTORISED

KNOWN = Variances(observation=4.0, level=1.0)


def test_a_single_value_is_its_own_level(arithmetic):
    found = estimate([3.0], variances=KNOWN, arithmetic=arithmetic)

    assert (list(found.filtered.level), list(found.smoothed.variance)) == ([3.0], [4.0])
    assert found.log_likelihood == pytest.approx(-0.5 * log(2 * pi))


def test_nothing_is_estimated_from_a_single_value(arithmetic):
    found = estimate([3.0], arithmetic=arithmetic)

    assert found.variances.of("level") == (0.0, 0.0)
    assert found.log_likelihood is None


@pytest.mark.parametrize("values", [[0.1] * 1000, [1e9 + 0.1] * 300, [0.0, 0.0, nan, 0.0]])
def test_a_series_that_never_changes_has_no_noise(arithmetic, values):
    found = estimate(values, arithmetic=arithmetic)

    assert found.variances.of("level") == (0.0, 0.0)
    assert list(found.smoothed.level) == [values[0]] * len(values)
    assert set(found.smoothed.variance) == {0.0}
    assert found.log_likelihood is None


def test_a_straight_line_is_a_trend_without_noise(arithmetic):
    line = [0.1 * place for place in range(500)]

    found = estimate(line, kind="trend", arithmetic=arithmetic)

    assert found.variances.of("trend") == (0.0, 0.0, 0.0)
    assert list(found.smoothed.level) == pytest.approx(line)
    assert list(found.smoothed.slope) == pytest.approx([0.1] * 500)


@pytest.mark.parametrize(("kind", "values"), [("level", []), ("level", [nan, nan]), ("trend", [nan, 1.0, nan])])
def test_too_few_values_are_refused(arithmetic, kind, values):
    with pytest.raises(TooFewValues):
        estimate(values, kind=kind, arithmetic=arithmetic)


def test_values_too_few_to_tell_noise_from_change_are_taken_as_half_of_each(arithmetic):
    found = estimate([3.0, 5.0], arithmetic=arithmetic)

    assert found.variances.observation == found.variances.level > 0


def test_a_fixed_variance_stays_and_the_other_is_estimated(noisy):
    values = noisy()

    free = estimate(values)
    held = estimate(values, variances=Variances(observation=free.variances.observation))
    other = estimate(values, variances=Variances(level=0.01))

    assert held.variances.observation == free.variances.observation
    assert held.variances.level == pytest.approx(free.variances.level, rel=1e-3)
    assert other.variances.level == 0.01
    assert other.log_likelihood < free.log_likelihood


def test_without_noise_the_level_is_the_value_and_gaps_are_bridged_straight(arithmetic):
    found = estimate([1.0, nan, nan, 4.0], variances=Variances(observation=0.0, level=1.0), arithmetic=arithmetic)

    assert list(found.filtered.level) == [1.0, 1.0, 1.0, 4.0]
    assert list(found.smoothed.level) == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert list(found.smoothed.variance) == pytest.approx([0.0, 2 / 3, 2 / 3, 0.0])


def test_before_the_first_value_nothing_is_known_but_afterwards(arithmetic):
    found = estimate([nan, nan, 1.0], variances=KNOWN, arithmetic=arithmetic)

    assert isnan(found.filtered.level[0])
    assert found.filtered.variance[1] == inf
    assert list(found.smoothed.level) == [1.0, 1.0, 1.0]
    assert list(found.smoothed.variance) == [6.0, 5.0, 4.0]


def test_missing_values_are_not_made_up(arithmetic, noisy):
    values = noisy(missing="a long piece")

    found = estimate(values, variances=KNOWN, arithmetic=arithmetic)
    again = estimate(values, variances=KNOWN, arithmetic=arithmetic)

    assert found.observed == 240
    assert list(found.smoothed.level) == list(again.smoothed.level)
    assert list(found.filtered.variance[40:100]) == pytest.approx(
        [found.filtered.variance[39] + n for n in range(1, 61)]
    )


def test_far_from_zero_small_steps_are_kept(arithmetic, noisy):
    near, far = noisy(), [value + 1e9 for value in noisy()]

    one = estimate(near, variances=KNOWN, arithmetic=arithmetic).smoothed
    other = estimate(far, variances=KNOWN, arithmetic=arithmetic).smoothed

    assert [level - 1e9 for level in other.level] == pytest.approx(list(one.level), abs=1e-6)


@pytest.mark.parametrize("missing", ["nothing", "the end", "a long piece", "every third"])
@pytest.mark.parametrize("kind", ["level", "trend"])
def test_both_ways_of_working_give_the_same(noisy, kind, missing):
    values, variances = noisy(count=3000, missing=missing), Variances(observation=2.0, level=0.4, slope=0.01)

    plain, fast = (estimate(values, kind=kind, variances=variances, arithmetic=each) for each in (PLAIN, VECTORISED))

    assert fast.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8)
    for one, other in ((plain.filtered, fast.filtered), (plain.smoothed, fast.smoothed)):
        assert other.level == pytest.approx(np.array(one.level), abs=1e-9, nan_ok=True)
        assert other.variance == pytest.approx(np.array(one.variance), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("factor", [1e-40, 1e40])
def test_the_unit_of_the_values_does_not_matter(noisy, factor):
    values = noisy()

    one, other = estimate(values), estimate([value * factor for value in values])

    assert other.variances.level == pytest.approx(one.variances.level * factor**2, rel=1e-3)


def test_it_can_be_ended_while_variances_are_searched_for(noisy):
    def end():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        estimate(noisy(), check=end)
