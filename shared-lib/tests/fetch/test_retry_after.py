"""One reading of `Retry-After` for all who are asked to wait."""

from datetime import UTC, datetime, timedelta

import pytest

from reelwork.fetch import asked_wait

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("9" * 4000, 999_999_999),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 13:00:30 +0100", 30),
        ("Sun, 22 Nov 2026 12:00:30 -0000", 30),
        ("Sat, 21 Nov 2026 12:00:00 GMT", 0),
    ],
)
def test_seconds_and_dates_are_understood(said: str, seconds: int):
    assert asked_wait(said, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "-1",
        "1.5",
        "soon",
        "٣",
        "2026-11-22",
        "Sun, 99 Nov 2026 12:00:30 GMT",
        "Sun, 22 Nov 2026 99999999999999999999:00:00 GMT",
        "Sun, 22 Nov 99999999999 12:00:30 GMT",
        "Sun, 22 Nov 2026 12:00:30 +99999999999999999999",
        "Sun, 22 Nov 2026 12:00:30 +9999",
        "9" * 5000 + " Nov 2026 12:00:30 GMT",
    ],
)
def test_what_cannot_be_read_asks_for_nothing(said: str | None):
    assert asked_wait(said, now=NOW) is None
