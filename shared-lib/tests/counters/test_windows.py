"""What every storage of the rate limiter promises: exact windows that slide, apart by rate and by subject."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from reelwork.counters.memory import MemoryWindows
from reelwork.counters.valkey import ValkeyWindows
from reelwork.counters.windows import Question, Windows
from reelwork.domain.ids import new_account_id
from reelwork.domain.rate import Rate

RATE = Rate(name="submit", amount=3)


@pytest.fixture(params=["memory", "valkey"])
async def windows(request: pytest.FixtureRequest) -> AsyncIterator[Windows]:
    if request.param == "memory":
        yield MemoryWindows()
        return
    async with ValkeyWindows.open(request.getfixturevalue("valkey_url")) as opened:
        yield opened


@pytest.fixture
def subject() -> str:
    """The shared server has seen other tests' subjects."""
    return new_account_id()


def take(subject: str, rate: Rate = RATE) -> Question:
    return Question(rate=rate, subject=subject, units=1)


def look(subject: str, rate: Rate = RATE) -> Question:
    return Question(rate=rate, subject=subject, units=0)


async def test_what_is_left_decreases_to_nothing_and_then_nothing_is_let_through(windows: Windows, subject: str):
    told = [(await windows.ask([take(subject)]))[0] for _ in range(5)]

    assert [standing.allowed for standing in told] == [True, True, True, False, False]
    assert [standing.remaining for standing in told] == [2, 1, 0, 0, 0]
    assert all(0 < standing.more_seconds <= RATE.seconds for standing in told)


async def test_many_questions_at_once_are_answered_in_their_order(windows: Windows, subject: str):
    told = await windows.ask([look(subject), take(subject), look(subject), *[take(subject)] * 3])

    assert [standing.remaining for standing in told] == [3, 2, 2, 1, 0, 0]
    assert [standing.allowed for standing in told] == [True] * 5 + [False]


async def test_looking_at_an_unused_window_counts_nothing(windows: Windows, subject: str):
    first, second = await windows.ask([look(subject), look(subject)])

    assert first == second
    assert (first.remaining, first.more_seconds) == (3, 0)


async def test_subjects_and_rates_are_counted_apart(windows: Windows, subject: str):
    await windows.ask([take(subject)] * 3)

    mine, other_rate, others = await windows.ask(
        [take(subject), take(subject, Rate(name="read", amount=3)), take(new_account_id())]
    )

    assert [mine.allowed, other_rate.allowed, others.allowed] == [False, True, True]


async def test_whoever_waits_as_long_as_told_and_no_shorter_is_let_through(
    windows: Windows, subject: str, monkeypatch: pytest.MonkeyPatch
):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    await windows.ask([take(subject)] * 3)
    now += 0.5
    (refused,) = await windows.ask([take(subject)])

    now += refused.more_seconds - 1
    (too_early,) = await windows.ask([take(subject)])
    now += 1
    later = await windows.ask([take(subject)] * 4)

    assert [refused.allowed, too_early.allowed] == [False, False]
    assert [standing.allowed for standing in later] == [True, True, True, False]


async def test_a_changed_plan_forgets_nothing_that_was_counted(windows: Windows, subject: str):
    await windows.ask([take(subject)] * 3)

    more, less = await windows.ask(
        [take(subject, Rate(name="submit", amount=5)), take(subject, Rate(name="submit", amount=2))]
    )

    assert (more.allowed, more.remaining) == (True, 1)
    assert (less.allowed, less.remaining) == (False, 0)


async def test_of_500_at_once_exactly_100_are_let_through(windows: Windows, subject: str):
    rate = Rate(name="submit", amount=100)

    told = await asyncio.gather(*(windows.ask([take(subject, rate)] * 10) for _ in range(50)))

    assert sum(standing.allowed for together in told for standing in together) == 100


def weighing(subject: str, units: int, *, held: int = 0, amount: int = 10) -> Question:
    return Question(rate=Rate(name="submit", amount=amount), subject=subject, units=units, held=held)


async def test_units_are_taken_all_or_none(windows: Windows, subject: str):
    told = await windows.ask([weighing(subject, 6), weighing(subject, 5), weighing(subject, 4), weighing(subject, 1)])

    assert [standing.allowed for standing in told] == [True, False, True, False]
    assert [standing.remaining for standing in told] == [4, 4, 0, 0]


async def test_more_units_than_there_ever_are_take_none(windows: Windows, subject: str):
    (refused,) = await windows.ask([weighing(subject, 11)])

    assert (refused.allowed, refused.remaining) == (False, 10)


async def test_what_a_request_held_is_given_back_when_the_rest_of_it_finds_no_room(windows: Windows, subject: str):
    await windows.ask([weighing(subject, 5), weighing(subject, 1)])

    refused, again = await windows.ask([weighing(subject, 5, held=1), weighing(subject, 5)])

    assert (refused.allowed, refused.remaining) == (False, 5)
    assert (again.allowed, again.remaining) == (True, 0)


async def test_whoever_waits_as_long_as_told_finds_room_for_all_units_and_not_before(
    windows: Windows, subject: str, monkeypatch: pytest.MonkeyPatch
):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    await windows.ask([weighing(subject, 3)])
    now += 10.5
    await windows.ask([weighing(subject, 3)])
    now += 10.25
    _, refused = await windows.ask([weighing(subject, 1), weighing(subject, 7, held=1)])

    now += refused.wait_seconds - 1
    (too_early,) = await windows.ask([weighing(subject, 8)])
    now += 1
    (later,) = await windows.ask([weighing(subject, 8)])

    assert refused.wait_seconds > refused.more_seconds > 0
    assert [standing.allowed for standing in (refused, too_early, later)] == [False, False, True]


async def test_of_500_heavy_ones_at_once_exactly_so_many_are_let_through_as_fit(windows: Windows, subject: str):
    told = await asyncio.gather(*(windows.ask([weighing(subject, 4, amount=102)] * 10) for _ in range(50)))

    (afterwards,) = await windows.ask([weighing(subject, 0, amount=102)])

    assert sum(standing.allowed for together in told for standing in together) == 25
    assert afterwards.remaining == 2
