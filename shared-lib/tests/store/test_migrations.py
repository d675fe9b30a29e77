"""Numbered changes: each once, in order, whoever comes at the same time or died before."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from reelwork.store.client import Database, Document, MongoOptions, open_database
from reelwork.store.migrations import MIGRATIONS, Migration, Migrations

# No machine is so slow that such a lease ends within a test, and each is renewed ten times a second.
LEASE = timedelta(hours=1)
RENEWALS = 36_000
# Nobody who waits for such a lease to end is done by then.
PATIENCE_SECONDS = 120
# Begins the first change, and never ends.
ENDLESS = """
import asyncio, datetime, sys
from reelwork.store.client import MongoOptions, open_database
from reelwork.store.migrations import Migration, Migrations

async def run(_):
    await asyncio.Event().wait()

async def main():
    async with open_database(MongoOptions(url=sys.argv[1], database=sys.argv[2])) as database:
        change = Migration(number=1, name="endless", run=run)
        await Migrations(database, [change], lease=datetime.timedelta(hours=1), renewals=36_000).up("the killed")

asyncio.run(main())
"""


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


async def begun(database: Database, is_so: Callable[[Document], bool] = lambda _: True) -> Document:
    """The first change, once somebody has begun with it and this can be said of it."""
    async with asyncio.timeout(30):
        while True:
            found = await database["migrations"].find_one({"_id": 1, "holder": {"$type": "string"}})
            if found is not None and is_so(found):
                return found
            await asyncio.sleep(0.02)  # another process tells nobody how far it is


async def renewed(database: Database, times: int) -> None:
    """The lease of the first change was renewed so many times more."""
    for _ in range(times):
        before = (await begun(database))["lease_until"]
        await begun(database, lambda now, before=before: now["lease_until"] > before)


async def waiting(logs: list[EventDict]) -> None:
    """Somebody found that another one has begun."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if any(each["event"] == "migration.waiting" for each in logs):
                return
            await asyncio.sleep(0.02)  # a log tells nobody that it grew


async def test_a_lease_is_renewed_for_as_long_as_its_change_takes_and_nobody_else_begins(database: Database) -> None:
    runs: list[str] = []

    async def run(opened: Database) -> None:
        runs.append("begun")
        await renewed(opened, 3)
        await waiting(logs)
        await renewed(opened, 1)

    changes = [Migration(number=1, name="slow", run=run)]
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as both:
            for name in "ab":
                both.create_task(Migrations(database, changes, lease=LEASE, renewals=RENEWALS).up(name))

    assert runs == ["begun"]


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_change_that_failed_or_was_broken_off_leaves_its_lease(database: Database, is_cancelled: bool) -> None:
    hanging = asyncio.Event()

    async def run(_: Database) -> None:
        if is_cancelled:
            await hanging.wait()
        raise ZeroDivisionError

    bad = Migrations(database, [Migration(number=1, name="bad", run=run)], lease=LEASE)
    first = asyncio.create_task(bad.up("first"))
    if is_cancelled:
        await begun(database)
        first.cancel()
    with pytest.raises((ZeroDivisionError, asyncio.CancelledError)):
        await first
    done, changes = noted(1)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await Migrations(database, changes).up("the next")

    assert done == [1]


async def test_whoever_is_killed_is_followed_when_the_lease_has_ended(
    database: Database, mongo_url: str, mongo_database: str
) -> None:
    done, changes = noted(1)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ENDLESS, mongo_url, mongo_database)
    try:
        await renewed(database, 1)
    finally:
        process.kill()
        await process.wait()

    with capture_logs() as logs:
        following = asyncio.create_task(Migrations(database, changes).up("the next"))
        await waiting(logs)
        await database["migrations"].update_one({"_id": 1}, {"$set": {"lease_until": datetime.now(UTC) - LEASE}})
        async with asyncio.timeout(PATIENCE_SECONDS):
            (applied,) = await following

    assert (done, applied.number) == ([1], 1)


async def test_whoever_lost_the_lease_ends_and_says_nothing_is_done(database: Database) -> None:
    broken_off = asyncio.Event()
    stolen = {"holder": "a thief", "lease_until": datetime.now(UTC).replace(microsecond=0) + LEASE}

    async def run(opened: Database) -> None:
        await opened["migrations"].update_one({"_id": 1}, {"$set": stolen})
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.set()

    changes = [Migration(number=1, name="sleeper", run=run)]
    sleeper = asyncio.create_task(Migrations(database, changes, lease=LEASE, renewals=RENEWALS).up("the sleeper"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await broken_off.wait()
        done = await database["migrations"].find_one_and_update({"_id": 1}, {"$set": {"done_at": datetime.now(UTC)}})
        assert await sleeper == []

    assert {name: done[name] for name in stolen} == stolen


async def test_the_indexes_are_made_once_at_a_start_and_by_every_newer_program(database: Database) -> None:
    await database.command("profile", 2)
    await Migrations(database).up("first")
    first = await indexes_made(database)
    await database["jobs"].drop_index("queue")

    await Migrations(database).up("newer")

    await database.command("profile", 0)
    assert (first, await indexes_made(database)) == (1, 2)
    assert "queue" in await database["jobs"].index_information()
    assert [change.name for change in MIGRATIONS] == ["indexes"]


async def indexes_made(database: Database) -> int:
    """How often somebody asked for those of the jobs."""
    return await database["system.profile"].count_documents({"command.createIndexes": "jobs"})


async def test_a_newer_program_does_only_what_is_new(database: Database) -> None:
    done, changes = noted(1, 2)
    await Migrations(database, changes[:1]).up("old")

    await Migrations(database, changes).up("new")

    assert done == [1, 2]
    assert [change.number for change in await Migrations(database, changes).status()] == [1, 2]
