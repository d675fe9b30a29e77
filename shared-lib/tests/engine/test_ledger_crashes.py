"""The books when processes die between any two operations, and when several keep them at once.

At every moment balances are the sums of their entries and nothing is overdrawn; when time has passed everything is
settled, and charged once.
"""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelwork.domain.account import Account
from reelwork.domain.audit import THE_INSTALLATION
from reelwork.domain.batch import Batch
from reelwork.domain.errors import InsufficientCredits, InvalidState, QuotaExceeded
from reelwork.domain.ids import KeyId, new_batch_id
from reelwork.domain.job import Event, Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.ledger import Bounds, day_of
from reelwork.domain.retry import AttemptFailure
from reelwork.engine.allotting import Quota
from reelwork.engine.batches import accept
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.grants import Grant, Refund, grant, refund
from reelwork.engine.intake import Intake
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.reserving import Payer, Purse, Reservations
from reelwork.engine.retry import retry
from reelwork.engine.settling import settle
from reelwork.engine.submit import submit
from reelwork.store.client import server_time
from testkit.books import check_books, read_books
from testkit.customer import age_outbox
from testkit.stage import Stage
from testkit.world import World, new_job

pytestmark = pytest.mark.slow

KEY = KeyId("key_1")
PRICE, CREDIT = 1_000, 3_500
MANY = 1_000
USED = timedelta(milliseconds=10)
FATAL = AttemptFailure(code="generation_failed", message="No.", retryable=False)


@pytest.fixture
def stage(mongo_url: str, mongo_database: str, quiet: None) -> Iterator[Stage]:
    with Stage.open(mongo_url, mongo_database) as opened:
        yield opened


class Customer:
    """An account with credit for three jobs and a half, and a quota of three."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.world = stage, stage.world
        stage.do(self.world.clear())
        self.lane: LaneTerms = stage.do(self.world.joined())
        found = stage.do(self.world.stores.accounts.get(self.lane.account_id))
        assert found is not None
        self.account: Account = found
        stage.do(grant(self.world.stores, self.order("first", CREDIT), by=THE_INSTALLATION))
        stage.do(self.world.stores.lanes.open(self.lane))

    def order(self, name: str, amount: int) -> Grant:
        return Grant(account_id=self.lane.account_id, amount=amount, name=name)

    def purse(self) -> Purse:
        """Of a process of its own."""
        payer = Payer(
            account_id=self.lane.account_id, key_id=KEY, bounds=Bounds(jobs_per_day=3, key_caps={KEY: CREDIT})
        )
        return Purse(reservations=Reservations(self.world.stores), payer=payer)

    async def submit(self) -> Job | None:
        """None: refused."""
        job, intake = new_job(self.lane), Direct(self.world.stores.jobs)
        try:
            return await submit(intake, self.world.opener, job, self.lane, purse=self.purse(), price=PRICE)
        except (InsufficientCredits, QuotaExceeded):
            return None

    async def submit_to_places(self, count: int = 3) -> None:
        """Jobs that take some of four places which were set aside, by a process of its own. One of them is cancelled,
        one completes, and the books are kept meanwhile."""
        account, reservations = self.lane.account_id, Reservations(self.world.stores)
        today = day_of(await server_time(self.world.database))
        await reservations.allotments.set_aside(Quota(account_id=account, day=today, jobs=MANY), 4)
        payer = Payer(account_id=account, key_id=KEY, bounds=Bounds(jobs_per_day=MANY))
        purse, intake = Purse(reservations=reservations, payer=payer), Direct(self.world.stores.jobs)
        jobs = [new_job(self.lane) for _ in range(count)]
        for job in jobs:
            await submit(intake, self.world.opener, job, self.lane, purse=purse)
        await cancel(self.world.engine, account, jobs[-1].id, by="owner")
        await self.settle()
        run = await self.world.claim()
        if run is not None:
            await complete(self.world.engine, run, [], used=USED)
        await self.settle()

    async def submit_and_cancel(self) -> None:
        job = await self.submit()
        if job is not None:
            await cancel(self.world.engine, job.account_id, job.id, by="owner")

    async def retry(self, job: Job) -> None:
        try:
            await retry(self.world.engine, self.world.opener, self.account, job.id, purse=self.purse())
        except (InvalidState, InsufficientCredits, QuotaExceeded):
            return  # another one was quicker

    async def settle(self) -> None:
        await settle(self.world.stores.books, self.lane.account_id, await server_time(self.world.stores.database))

    async def batch(self, size: int) -> None:
        waits = (Event(seq=1, at=datetime.now(UTC), type="job.pending", status=Status.PENDING, attempt=0),)
        batch_id = new_batch_id()
        jobs = [new_job(self.lane, status=Status.PENDING, batch_id=batch_id, events=waits) for _ in range(size)]
        batch = Batch(
            id=batch_id,
            account_id=self.lane.account_id,
            job_ids=tuple(job.id for job in jobs),
            created_at=datetime.now(UTC),
        )
        pairs = [(job, self.lane) for job in jobs]
        await accept(
            self.world.engine, self.world.opener, batch, pairs, purse=self.purse(), prices=[PRICE] * len(pairs)
        )

    async def look(self) -> None:
        """What holds at every moment."""
        check_books(await read_books(self.world.database))

    def end(self) -> None:
        """Let time pass and everything come to its end; then all is settled."""
        for _ in range(4):
            self.stage.do(self._work())
            self.stage.do(age(self.world))
            self.stage.do(self.world.lapse())
            self.stage.do(Reconciler(self.world.engine, self.world.sweeper).run_once())
        stored = self.stage.do(read_books(self.world.database))
        check_books(stored, settled=True)

    async def _work(self) -> None:
        while (job := await self.world.claim()) is not None:
            await complete(self.world.engine, job, [], used=USED)


async def age(world: World) -> None:
    """Let a few minutes pass for everything that waits for time."""
    await age_outbox(world)
    past = datetime.now(UTC) - timedelta(hours=1)
    await world.database["batches"].update_many({"settle_at": {"$exists": True}}, {"$set": {"settle_at": past}})


class Direct(Intake):
    """Stores at once, in the task that asks: so that this one dies of it."""

    async def store(self, job: Job, *, by: float | None = None) -> bool:
        return not await self._jobs.insert(job)


def ended(customer: Customer, how: str) -> Job:
    """A job of the customer's that ended like that, its bill not settled."""
    stage, world = customer.stage, customer.world
    job = stage.do(customer.submit())
    assert job is not None
    if how == "cancelled":
        stage.do(cancel(world.engine, job.account_id, job.id, by="owner"))
    elif how == "failed":
        stage.do(fail(world.engine, stage.do(world.run()), FATAL, used=USED))
    else:
        stage.do(complete(world.engine, stage.do(world.run()), [], used=USED))
    return job


def settling(customer: Customer) -> Coroutine[Any, Any, object]:
    for how in ("completed", "failed", "cancelled"):
        ended(customer, how)
    return customer.settle()


def refunding(customer: Customer) -> Coroutine[Any, Any, object]:
    job = ended(customer, "completed")
    order = Refund(account_id=job.account_id, job_id=job.id, name="sorry", amount=400)
    return refund(customer.world.stores, order, by=THE_INSTALLATION)


# What a process is about to do, and may die in.
WORKS: dict[str, Callable[[Customer], Coroutine[Any, Any, object]]] = {
    "submit": lambda customer: customer.submit(),
    "batch": lambda customer: customer.batch(2),
    "settle": settling,
    "retry": lambda customer: customer.retry(ended(customer, "failed")),
    "grant": lambda customer: grant(customer.world.stores, customer.order("second", 500), by=THE_INSTALLATION),
    "refund": refunding,
    "some places": lambda customer: customer.submit_to_places(3),
    "all places": lambda customer: customer.submit_to_places(4),
}


@pytest.mark.parametrize("name", WORKS)
def test_wherever_a_process_dies_the_books_are_right_and_come_to_their_end(stage: Stage, name: str) -> None:
    for lives in range(60):
        customer = Customer(stage)
        work = WORKS[name](customer)
        stage.try_to(work, lives)
        died = stage.died
        stage.do(customer.look())
        customer.end()
        if not died:
            assert lives > 2, "else it was no work"
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("operations", range(1, 12))
def test_a_job_that_comes_and_goes_while_the_books_are_read_is_settled(stage: Stage, operations: int) -> None:
    customer = Customer(stage)
    ended(customer, "failed")
    in_between = [0] * operations + [1] * 50  # the settler does so many operations, then the others all of theirs

    stage.play(customer.settle(), customer.submit_and_cancel(), choices=in_between, look=customer.look)

    customer.end()


def test_several_who_submit_retry_and_settle_at_once_keep_the_books_right(
    stage: Stage, examples: Callable[[int], int]
) -> None:
    @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
    @given(choices=st.lists(st.integers(0, 6), min_size=40, max_size=100))
    def race(choices: list[int]) -> None:
        customer = Customer(stage)
        failed, done = ended(customer, "failed"), ended(customer, "completed")
        order = Refund(account_id=done.account_id, job_id=done.id, name="sorry")

        stage.play(
            customer.settle(),
            customer.settle(),
            customer.retry(failed),
            customer.submit(),
            customer.submit_and_cancel(),
            customer.submit_to_places(),
            refund(stage.world.stores, order, by=THE_INSTALLATION),
            choices=choices,
            look=customer.look,
        )

        customer.end()

    race()
