"""Accounts and their keys."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from reelwork.domain.account import Account, ApiKey, Scope, digest
from reelwork.domain.ids import new_account_id, new_key_id
from reelwork.domain.job import Retention
from reelwork.domain.tier import Tier
from testkit.world import World

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def new_account(name: str = "Studio") -> Account:
    return Account(id=new_account_id(), name=name, tier=Tier.PRO, created_at=NOW)


async def test_an_account_is_read_back_as_it_was_stored(world: World) -> None:
    account = new_account()

    stored = await world.stores.accounts.add(account)

    assert stored == account == await world.stores.accounts.get(account.id)
    assert await world.stores.accounts.get(new_account_id()) is None


async def test_an_account_is_told_how_long_its_files_are_kept(world: World) -> None:
    account = await world.stores.accounts.add(new_account())

    told = [
        await world.stores.accounts.keep(one, {"retention.output_seconds": 3600})
        for one in (account.id, new_account_id())
    ]

    assert told == [replace(account, retention=Retention(output_seconds=3600)), None]
    assert await world.stores.accounts.get(account.id) == told[0]


async def test_adding_an_account_again_gives_the_first_one(world: World) -> None:
    first = await world.stores.accounts.add(new_account())

    second = await world.stores.accounts.add(new_account())

    assert second == first


async def test_an_account_that_many_add_at_once_is_one_account(world: World) -> None:
    stored = await asyncio.gather(*(world.stores.accounts.add(new_account()) for _ in range(12)))

    assert len({account.id for account in stored}) == 1


async def test_a_key_is_stored_without_its_secret(world: World) -> None:
    account = await world.stores.accounts.add(new_account())
    key = ApiKey(
        id=new_key_id(),
        account_id=account.id,
        digest=digest("secret"),
        scopes=frozenset({Scope.READ, Scope.SUBMIT}),
        created_at=NOW,
    )

    await world.stores.accounts.add_key(key)

    assert await world.stores.accounts.key(key.id) == key
    assert await world.stores.accounts.key(new_key_id()) is None
    assert "secret" not in str(await world.database["keys"].find_one({"_id": key.id}))
