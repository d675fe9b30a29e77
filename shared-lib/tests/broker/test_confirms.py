"""Publisher confirms, one by one and in ranges."""

import random

from reelwork.broker.confirms import Confirms, Sent


def sent(number: int) -> Sent:
    return Sent(pool=f"pool {number}", at=float(number))


def with_open(count: int) -> Confirms:
    confirms = Confirms()
    for number in range(1, count + 1):
        assert confirms.sent(sent(number)) == number
    return confirms


def test_a_single_confirm_settles_one_message() -> None:
    confirms = with_open(3)

    assert confirms.resolve(2, multiple=False) == [sent(2)]
    assert (len(confirms), confirms.oldest_at()) == (2, 1.0)


def test_a_range_settles_everything_up_to_it_that_is_still_open() -> None:
    confirms = with_open(5)
    confirms.resolve(2, multiple=False)

    assert confirms.resolve(4, multiple=True) == [sent(1), sent(3), sent(4)]
    assert (len(confirms), confirms.oldest_at()) == (1, 5.0)


def test_a_confirm_that_comes_twice_settles_nothing_more() -> None:
    confirms = with_open(2)
    confirms.resolve(2, multiple=True)

    assert confirms.resolve(2, multiple=False) == []
    assert confirms.resolve(2, multiple=True) == []
    assert confirms.oldest_at() is None


def test_what_is_abandoned_is_what_was_open() -> None:
    confirms = with_open(4)
    confirms.resolve(3, multiple=False)

    assert confirms.abandon() == [sent(1), sent(2), sent(4)]
    assert len(confirms) == 0


def test_every_message_is_settled_exactly_once_whatever_the_order() -> None:
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311  (an order to try, not a secret)
        confirms = with_open(30)
        settled: list[Sent] = []
        while len(confirms):
            settled += confirms.resolve(chance.randint(1, 30), multiple=chance.random() < 0.2)

        assert sorted(settled, key=lambda message: message.at) == [sent(number) for number in range(1, 31)], seed
