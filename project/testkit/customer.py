"""A customer of an engine without a gateway: credit, a purse, jobs that are paid, and a look at the books."""

from datetime import timedelta

from reelwork.domain.account import Account
from reelwork.domain.audit import THE_INSTALLATION
from reelwork.domain.ids import KeyId
from reelwork.domain.job import Job
from reelwork.domain.lane import LaneTerms
from reelwork.domain.ledger import Balance, Bounds
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.grants import Grant, grant
from reelwork.engine.reserving import Payer, Purse
from reelwork.engine.submit import submit
from reelwork.runtime.tasks import running
from testkit.books import check_books, read_books
from testkit.world import World, new_job

KEY = KeyId("key_1")
USED = timedelta(milliseconds=10)
FATAL = AttemptFailure(code="generation_failed", message="No.", retryable=False)


def purse(
    world: World, of: LaneTerms, *, quota: int | None = None, cap: int | None = None, of_account: int | None = None
) -> Purse:
    """Of one key, within these bounds."""
    bounds = Bounds(jobs_per_day=quota, account_cap=of_account, key_caps={KEY: cap} if cap is not None else {})
    return Purse(reservations=world.reservations, payer=Payer(account_id=of.account_id, key_id=KEY, bounds=bounds))


async def check(world: World, *, settled: bool = False) -> None:
    """The books are right; see `testkit.books.check_books`."""
    check_books(await read_books(world.database), settled=settled)


async def balance(world: World, of: LaneTerms) -> Balance:
    """As it is now. Raises AssertionError if nothing was ever entered."""
    found = await world.stores.balances.now(of.account_id)
    assert found is not None
    return found


async def kinds(world: World, of: LaneTerms) -> list[str]:
    """The account's entries, oldest first."""
    found = await world.stores.ledger.page(of.account_id, before=None, limit=1000)
    return [entry.kind.value for entry in reversed(found)]


async def credit(world: World, of: LaneTerms, amount: int) -> None:
    """Add credit, once for each amount."""
    await grant(world.stores, Grant(account_id=of.account_id, amount=amount, name=f"req_{amount}"), by=THE_INSTALLATION)


async def submitted(world: World, of: LaneTerms, spends: Purse, *, price: int = 0) -> Job:
    """A new job that is paid, stored and can be claimed."""
    job = new_job(of)
    async with running(world.intake.run):
        assert await submit(world.intake, world.opener, job, of, purse=spends, price=price)
    await world.stores.lanes.open(of)
    return await world.read(job)


async def owner_of(world: World, of: LaneTerms) -> Account:
    """The account that is stored for the lane."""
    found = await world.stores.accounts.get(of.account_id)
    assert found is not None
    return found


async def age_outbox(world: World) -> None:
    """Let everything in outboxes have been entered, and all places been set aside, two minutes earlier."""
    earlier = {"$mergeObjects": ["$$this", {"at": {"$subtract": ["$$this.at", 120_000]}}]}
    aged = {name: {"$map": {"input": f"${name}", "in": earlier}} for name in ("outbox", "allotments")}
    await world.database["balances"].update_many({"open": True}, [{"$set": aged}])
