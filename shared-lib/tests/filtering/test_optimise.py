"""The two searches find known minima."""

from math import cos

import pytest

from reelwork.filtering.optimise import smallest_around, smallest_between


@pytest.mark.parametrize(
    ("of", "place"),
    [(lambda x: (x - 2.0) ** 2, 2.0), (lambda x: -cos(x - 1.0), 1.0), (abs, 0.0), (lambda x: x, -4.0)],
)
def test_one_number_is_found(of, place):
    assert smallest_between(of, -4.0, 4.0, within=1e-6) == pytest.approx(place, abs=1e-5)


def test_a_parabola_takes_few_looks():
    looks = []

    smallest_between(lambda x: looks.append(x) or (x - 0.3) ** 2, -10.0, 10.0, within=1e-6)

    assert len(looks) < 15


def test_two_numbers_are_found_in_a_bent_valley():
    """Rosenbrock's function (1960)."""
    found = smallest_around(
        lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2, (-1.0, 2.0), low=-5.0, high=5.0, within=1e-7
    )

    assert found == pytest.approx((1.0, 1.0), abs=1e-3)


def test_what_lies_outside_the_box_ends_at_its_edge():
    found = smallest_around(lambda p: (p[0] - 9) ** 2 + p[1] ** 2, (0.0, 1.0), low=-2.0, high=2.0, within=1e-6)

    assert found == pytest.approx((2.0, 0.0), abs=1e-3)
