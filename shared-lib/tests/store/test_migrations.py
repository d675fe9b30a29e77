"""Numbered changes: each once, in order, whoever comes at the same time or died before."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.store.client import Database, MongoOptions, open_database
from reelwork.store.migrations import Migration, Migrations


@pytest.fixture
async def database(mongo_url: str, mongo_database: str) -> AsyncIterator[Database]:
    async with open_database(MongoOptions(url=mongo_url, database=mongo_database)) as opened:
        yield opened


def noted(*numbers: int) -> tuple[list[int], list[Migration]]:
    """Changes that write down that they were done."""
    done: list[int] = []

    def change(number: int) -> Migration:
        async def run(_: Database) -> None:
            await asyncio.sleep(0)
            done.append(number)

        return Migration(number=number, name=f"change {number}", run=run)

    return done, [change(number) for number in numbers]


async def test_changes_are_done_once_and_in_order_whoever_comes_at_the_same_time(database: Database) -> None:
    done, changes = noted(1, 2, 3)

    results = await asyncio.gather(*(Migrations(database, changes).up(name) for name in "abcd"))

    assert done == [1, 2, 3]
    assert sorted(change.number for result in results for change in result) == [1, 2, 3]
    assert all(change.done_at for change in await Migrations(database, changes).status())
    assert await Migrations(database, changes).up("e") == []


async def test_a_change_that_was_broken_off_is_begun_again(database: Database) -> None:
    done, changes = noted(1)
    lapsed = datetime.now(UTC) - timedelta(seconds=5)
    begun = {"_id": 1, "holder": "the dead", "lease_until": lapsed, "done_at": None}
    await database["migrations"].insert_one(begun)

    await Migrations(database, changes).up("the next")

    assert done == [1]


async def test_a_newer_program_does_only_what_is_new(database: Database) -> None:
    done, changes = noted(1, 2)
    await Migrations(database, changes[:1]).up("old")

    await Migrations(database, changes).up("new")

    assert done == [1, 2]
    assert [change.number for change in await Migrations(database, changes).status()] == [1, 2]
