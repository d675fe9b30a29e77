"""The life of a model, and the order of versions."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.lifecycle import Lifecycle, split_reference, version_rank

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("deprecated", "sunset", "stage"),
    [
        (None, None, "active"),
        (1, None, "active"),
        (0, None, "deprecated"),
        (-1, 1, "deprecated"),
        (None, 1, "deprecated"),
        (1, 2, "active"),
        (-2, 0, "retired"),
        (None, -1, "retired"),
    ],
)
def test_a_model_is_active_then_deprecated_then_retired(deprecated, sunset, stage):
    days = [None if day is None else NOW + day * DAY for day in (deprecated, sunset)]

    assert Lifecycle(deprecated_at=days[0], sunset_at=days[1]).stage(NOW) == stage


@pytest.mark.parametrize(
    "times",
    [
        {"sunset_at": datetime(2027, 1, 1)},  # noqa: DTZ001  (that is the fault)
        {"deprecated_at": NOW, "sunset_at": NOW - DAY},
    ],
)
def test_a_life_that_makes_no_sense_is_refused(times):
    with pytest.raises(ValueError, match=r"zone|cannot end"):
        Lifecycle(**times)


def test_versions_are_ordered_as_people_number_them():
    ordered = ["1", "1.0", "1.9", "1.10", "2.0-alpha", "2.0-rc1", "2.0-rc2", "2.0", "2.0.1", "2026-11-22"]
    shuffled = random.Random(1).sample(ordered, len(ordered))  # noqa: S311  (no secret)

    assert sorted(shuffled, key=version_rank) == ordered


def test_a_version_may_be_left_open():
    assert [split_reference(each) for each in ("a/b", "a/b@latest", "a/b@1.5", "alias@")] == [
        ("a/b", ""),
        ("a/b", ""),
        ("a/b", "1.5"),
        ("alias", ""),
    ]
