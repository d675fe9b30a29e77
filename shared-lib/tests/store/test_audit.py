"""The audit log: complete, in order, each account's own, and altered by nobody unseen."""

import asyncio
from typing import Any

import pytest

from reelwork.domain.audit import THE_INSTALLATION, Action, Head
from reelwork.domain.ids import AccountId, new_account_id
from testkit.world import World


async def fill(world: World, account: AccountId | None, count: int) -> None:
    for number in range(count):
        await world.stores.audit.record(account, THE_INSTALLATION, Action.KEY_CREATED, f"key_{number}")


async def test_entries_are_read_newest_first_from_ones_own_chain(world: World) -> None:
    mine, other = new_account_id(), new_account_id()
    await fill(world, mine, 3)
    await fill(world, other, 1)
    await fill(world, None, 2)

    page = await world.stores.audit.page(mine, before=None, limit=2)
    rest = await world.stores.audit.page(mine, before=page[-1].seq, limit=2)

    assert [entry.target for entry in (*page, *rest)] == ["key_2", "key_1", "key_0"]
    assert {entry.account_id for entry in (*page, *rest)} == {mine}
    assert len(await world.stores.audit.page(None, before=None, limit=10)) == 2


async def test_what_is_recorded_is_read_back_to_the_letter(world: World) -> None:
    account = new_account_id()
    details = {"name": 'quote " and \u2028 line', "$set": "x.y", "": "empty"}

    written = await world.stores.audit.record(account, THE_INSTALLATION, Action.KEY_CHANGED, "$where", details)

    assert await world.stores.audit.page(account, before=None, limit=1) == [written]
    assert (await world.stores.audit.verify(account)).head == Head(seq=1, hash=written.hash)


async def test_many_at_once_make_one_chain_without_gaps(world: World) -> None:
    account = new_account_id()

    await asyncio.gather(*(fill(world, account, 3) for _ in range(10)))

    found = await world.stores.audit.verify(account)
    assert (found.head.seq, found.broken_at) == (30, None)


async def test_an_empty_chain_holds(world: World) -> None:
    assert (await world.stores.audit.verify(new_account_id())).broken_at is None


@pytest.mark.parametrize(
    "tampering",
    [
        {"$set": {"target": "key_9"}},
        {"$set": {"details": {"a": "b"}}},
        {"$set": {"actor.ip": "203.0.113.9"}},
        {"$set": {"hash": "0" * 64}},
        {"$set": {"seq": 99}},
    ],
    ids=str,
)
async def test_an_entry_that_somebody_altered_is_named(world: World, tampering: dict[str, Any]) -> None:
    account = new_account_id()
    await fill(world, account, 4)

    await world.database["audit"].update_one({"chain": account, "seq": 2}, tampering)

    found = await world.stores.audit.verify(account)
    assert (found.broken_at, found.head.seq) == (2, 1)


async def test_an_entry_that_somebody_removed_is_missed(world: World) -> None:
    account = new_account_id()
    await fill(world, account, 4)

    await world.database["audit"].delete_many({"chain": account, "seq": 3})

    assert (await world.stores.audit.verify(account)).broken_at == 3
