"""Requests under a key, as they are stored: one holder at a time, one answer for ever."""

import asyncio
from datetime import UTC, datetime, timedelta

from reelwork.domain.ids import AccountId
from reelwork.store.client import Document
from reelwork.store.idempotency import Busy, KeyedRequest, OtherBody, Ours, StoredAnswer
from testkit.world import World

ANSWER = StoredAnswer(status=202, headers={"Location": "/v1/jobs/a", "a.b": "$c"}, body=b'{"id":"$a"}\xff')
OTHER = StoredAnswer(status=201, headers={}, body=b"{}")


def keyed(*, key: str = "k", fingerprint: str = "f", account: str = "acct_a", route: str = "POST /x") -> KeyedRequest:
    return KeyedRequest(account=AccountId(account), route=route, key=key, fingerprint=fingerprint)


async def take(world: World, request: KeyedRequest, name: str) -> object:
    return await world.stores.idempotency.take(request, subject=f"job of {name}", holder=name)


async def change(world: World, **sets: object) -> None:
    await world.database["idempotency"].update_many({}, {"$set": sets})


def past() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


async def test_of_many_at_once_one_goes_on_and_the_others_are_told(world: World) -> None:
    taken = await asyncio.gather(*(take(world, keyed(), f"h{n}") for n in range(20)))

    (ours,) = [one for one in taken if isinstance(one, Ours)]
    assert ours == Ours(subject=f"job of {ours.holder}", holder=ours.holder, first=True)
    assert taken.count(Busy()) == 19


async def test_the_answer_is_given_to_all_who_come_later(world: World) -> None:
    await take(world, keyed(), "a")

    assert await world.stores.idempotency.answered(keyed(), ANSWER) == ANSWER
    assert await take(world, keyed(), "b") == ANSWER


async def test_the_first_answer_stays(world: World) -> None:
    await take(world, keyed(), "a")
    await world.stores.idempotency.answered(keyed(), ANSWER)

    assert await world.stores.idempotency.answered(keyed(), OTHER) == ANSWER
    assert await take(world, keyed(), "b") == ANSWER


async def test_another_body_is_told_apart_before_and_after_the_answer(world: World) -> None:
    await take(world, keyed(), "a")
    before = await take(world, keyed(fingerprint="g"), "b")
    await change(world, leased_until=past())
    lapsed = await take(world, keyed(fingerprint="g"), "b")
    await world.stores.idempotency.answered(keyed(), ANSWER)

    assert [before, lapsed, await take(world, keyed(fingerprint="g"), "b")] == [OtherBody()] * 3


async def test_accounts_addresses_and_keys_are_kept_apart(world: World) -> None:
    requests = [keyed(), keyed(account="acct_b"), keyed(route="POST /y"), keyed(key="l"), keyed(key="K")]

    taken = [await take(world, request, "h") for request in requests]

    assert all(isinstance(one, Ours) for one in taken)


async def test_after_a_lease_somebody_else_goes_on_with_the_same_name(world: World) -> None:
    await take(world, keyed(), "a")
    await change(world, leased_until=past())

    taken = await asyncio.gather(*(take(world, keyed(), name) for name in "bcd"))

    (ours,) = [one for one in taken if isinstance(one, Ours)]
    assert (ours.subject, ours.first) == ("job of a", False)
    assert taken.count(Busy()) == 2


async def test_a_refused_request_frees_its_key_for_any_body(world: World) -> None:
    ours = await take(world, keyed(), "a")
    assert isinstance(ours, Ours)

    await world.stores.idempotency.give_up(keyed(), ours, unmade=True)

    taken = await take(world, keyed(fingerprint="g"), "b")
    assert taken == Ours(subject="job of b", holder="b", first=True)


async def test_where_something_may_have_been_made_the_same_body_goes_on_at_once(world: World) -> None:
    ours = await take(world, keyed(), "a")
    assert isinstance(ours, Ours)

    await world.stores.idempotency.give_up(keyed(), ours, unmade=False)

    assert await take(world, keyed(fingerprint="g"), "b") == OtherBody()
    assert await take(world, keyed(), "b") == Ours(subject="job of a", holder="b", first=False)


async def test_whoever_took_over_and_is_refused_does_not_forget_what_the_first_may_have_made(world: World) -> None:
    await take(world, keyed(), "a")
    await change(world, leased_until=past())
    second = await take(world, keyed(), "b")
    assert isinstance(second, Ours)

    await world.stores.idempotency.give_up(keyed(), second, unmade=True)

    assert await take(world, keyed(), "c") == Ours(subject="job of a", holder="c", first=False)


async def test_whoever_lost_the_key_frees_nothing(world: World) -> None:
    first = await take(world, keyed(), "a")
    assert isinstance(first, Ours)
    await change(world, leased_until=past())
    await take(world, keyed(), "b")

    await world.stores.idempotency.give_up(keyed(), first, unmade=True)

    assert await take(world, keyed(), "c") == Busy()


async def test_an_answer_after_the_record_is_gone_stands_for_itself(world: World) -> None:
    assert await world.stores.idempotency.answered(keyed(), ANSWER) == ANSWER
    assert await world.database["idempotency"].count_documents({}) == 0


async def test_what_is_stored_holds_neither_key_nor_body_of_the_request(world: World) -> None:
    await take(world, keyed(key="a secret"), "a")

    stored: Document | None = await world.database["idempotency"].find_one({})
    assert stored is not None
    assert "a secret" not in str(stored)
    assert stored["expires_at"] > datetime.now(UTC) + timedelta(hours=23)
