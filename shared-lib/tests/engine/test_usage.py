"""Usage of jobs and requests, counted in both ways: the same sums come out, once each."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pika
import pytest

from reelwork.broker.base import BrokerDown
from reelwork.broker.topology import Topology
from reelwork.broker.usage import InProcessUsageQueue
from reelwork.broker.usage_rabbitmq import RabbitMQUsageQueue
from reelwork.counters.usage import UsageCounter
from reelwork.domain.ids import AccountId, new_batch_id
from reelwork.domain.job import BillState, Event, Status
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.usage import Metric
from reelwork.engine.cancel import cancel
from reelwork.engine.finish import complete, fail
from reelwork.engine.retry import retry
from reelwork.engine.usage.deltas import DeltaSync
from reelwork.engine.usage.events import EventSync
from reelwork.engine.usage.sync import UsageMeter, UsageSync
from reelwork.engine.usage.tally import Counted
from reelwork.runtime.tasks import running
from testkit.world import World, an_output, new_job

USED = timedelta(milliseconds=5)
FATAL = AttemptFailure(code="generation_failed", message="No.", retryable=False)
PASSING = AttemptFailure(code="out_of_resources", message="Full.", retryable=True, retry_after=0.0)
LONG_AGO = datetime(2020, 2, 29, 12, tzinfo=UTC)
Sums = dict[str, int]


@pytest.fixture(params=["events", "deltas"])
async def sync(request: pytest.FixtureRequest, world: World) -> AsyncIterator[UsageSync]:
    """Each of the two ways in turn, on a counter of its own."""
    if request.param == "events":
        events = EventSync(world.stores, InProcessUsageQueue(), gateway="gw_1")
        async with running(events.receive):
            yield events
    else:
        url = request.getfixturevalue("valkey_url")
        async with UsageCounter.open(url, prefix=f"{secrets.token_hex(4)}.") as counter:
            yield DeltaSync(world.stores, counter, gateway="gw_1")


async def settle(world: World, sync: UsageSync) -> None:
    """One pass, and all that is counted is in the sums."""
    await sync.collect()
    await sync.store()
    if isinstance(sync, DeltaSync):
        await sync.flush()


async def sums(world: World, account: AccountId, day: date | None = None) -> Sums:
    first, last = (day, day) if day else (date.min, date.max)
    total: Sums = {}
    for found in await world.stores.usage.read(account, first, last):
        for metric, count in found.counts.items():
            total[metric.value] = total.get(metric.value, 0) + count
    return total


async def is_all_counted(world: World) -> bool:
    return await world.database["jobs"].find_one({"uncounted": True}) is None


async def test_a_job_is_counted_when_it_is_submitted_and_when_it_has_ended(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    await world.submit(lane)

    await settle(world, sync)
    submitted = await sums(world, lane.account_id)
    await complete(world.engine, await world.run(), [an_output()], used=USED)
    await settle(world, sync)
    ended = await sums(world, lane.account_id)

    assert submitted == {"jobs_submitted": 1}
    assert ended.pop("run_milliseconds", 0) >= 0
    assert ended == {"jobs_submitted": 1, "jobs_completed": 1, "output_bytes": 64}
    assert await is_all_counted(world)


async def test_looking_again_counts_nothing_again(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    await world.submit(lane)
    await complete(world.engine, await world.run(), [an_output()], used=USED)

    for _ in range(3):
        await world.database["jobs"].update_many({}, {"$set": {"uncounted": True}})
        await settle(world, sync)

    assert (await sums(world, lane.account_id))["jobs_completed"] == 1


async def test_each_round_of_a_job_ends_once(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    owner = await world.stores.accounts.get(lane.account_id)
    assert owner is not None

    await fail(world.engine, await world.run(), PASSING, used=USED)
    await world.come_due()
    await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"due": True}})
    await fail(world.engine, await world.run(), FATAL, used=USED)
    await settle(world, sync)
    await retry(world.engine, world.opener, owner, job.id, mark=None)
    await settle(world, sync)
    await cancel(world.engine, lane.account_id, job.id, by="owner")
    await settle(world, sync)

    counted = await sums(world, lane.account_id)
    counted.pop("run_milliseconds", None)
    assert counted == {"jobs_submitted": 2, "jobs_failed": 1, "jobs_cancelled": 1}


async def test_every_ending_is_marked_by_the_write_that_makes_it(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    past = datetime.now(UTC) - timedelta(seconds=1)
    late = await world.submit(lane)
    lost = await world.submit(lane, max_attempts=1)
    await world.database["jobs"].update_one({"_id": late.id}, {"$set": {"deadline_at": past}})
    await world.run()
    await world.lapse(lost)

    await world.reconciler.run_once()
    await settle(world, sync)

    counted = await sums(world, lane.account_id)
    assert (counted["jobs_expired"], counted["jobs_failed"], counted["jobs_submitted"]) == (1, 1, 2)


async def test_what_a_job_made_is_counted_though_it_is_erased_at_once(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    await complete(world.engine, await world.run(), [an_output()], used=USED)

    await world.database["jobs"].update_one({"_id": job.id}, {"$set": {"outputs": []}})
    await settle(world, sync)

    assert (await sums(world, lane.account_id))["output_bytes"] == 64


async def test_a_completed_job_is_counted_with_what_it_was_charged(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    job = await world.submit(lane)
    await complete(world.engine, await world.run(), [], used=USED)
    bill = {"round": 1, "hold": "h", "amount": 4000, "units": 1, "day": "2026-11-21", "key_id": "key_1"}

    async def billed(state: BillState, charged: int | None) -> Sums:
        field = {"bill": bill | {"state": state, "charged": charged}}
        await world.database["jobs"].update_one({"_id": job.id}, {"$set": field})
        await settle(world, sync)
        return await sums(world, lane.account_id)

    waiting = await billed(BillState.CHARGE, None)
    settled = await billed(BillState.SETTLED, 4000)

    assert waiting == {"jobs_submitted": 1}
    assert (settled["jobs_completed"], settled["amount_charged"]) == (1, 4000)
    assert await is_all_counted(world)


@pytest.mark.parametrize("state", ["storing", "withdrawn", "ready"])
async def test_what_answered_at_once_in_a_batch_counts_only_once_the_batch_is_accepted(
    world: World, sync: UsageSync, state: str
) -> None:
    lane, batch, at = await world.joined(), new_batch_id(), datetime.now(UTC)
    answered = Event(seq=1, at=at, type="job.completed", status=Status.COMPLETED, attempt=0)
    job = new_job(lane, status=Status.COMPLETED, batch_id=batch, events=(answered,))
    await world.stores.jobs.insert(job)
    await world.database["batches"].insert_one({"_id": batch, "account_id": lane.account_id, "state": state})

    await settle(world, sync)

    accepted = state == "ready"
    assert await sums(world, lane.account_id) == ({"jobs_submitted": 1, "jobs_completed": 1} if accepted else {})
    assert await is_all_counted(world) == accepted


async def test_requests_told_twice_are_counted_once(world: World, sync: UsageSync) -> None:
    lane, other = await world.joined(), await world.joined()
    asked = {lane.account_id: 3, other.account_id: 2}

    for number in (1, 1, 2):
        await sync.tell(Counted(number=number, at=LONG_AGO, requests=asked))
    await settle(world, sync)

    assert await sums(world, lane.account_id, LONG_AGO.date()) == {"requests": 6}
    assert await sums(world, other.account_id) == {"requests": 4}


async def test_many_gateways_count_everything_once(world: World, request: pytest.FixtureRequest) -> None:
    lane = await world.joined()
    await world.stores.jobs.insert(*(new_job(lane) for _ in range(300)))
    url, prefix = request.getfixturevalue("valkey_url"), f"{secrets.token_hex(4)}."

    async def gateway(name: str) -> None:
        async with UsageCounter.open(url, prefix=prefix) as counter:
            one = DeltaSync(world.stores, counter, gateway=name)
            for number in range(1, 6):
                await one.tell(Counted(number=number, at=LONG_AGO, requests={lane.account_id: 1}))
                await one.collect()
                await one.flush()

    await asyncio.gather(*(gateway(f"gw_{n}") for n in range(4)))
    await gateway("gw_last")  # what was told while another's flush was under way waits for the next

    assert await sums(world, lane.account_id) == {"requests": 25, "jobs_submitted": 300}


async def test_many_gateways_roll_the_same_log_up_once(world: World) -> None:
    lane = await world.joined()
    await world.stores.jobs.insert(*(new_job(lane) for _ in range(1200)))
    queue = InProcessUsageQueue()
    gateways = [EventSync(world.stores, queue, gateway=f"gw_{n}") for n in range(4)]

    async with running(gateways[0].receive):
        await asyncio.gather(*(one.collect() for one in gateways))
        await asyncio.gather(*(one.store() for one in gateways))
        await gateways[0].store()

    assert await sums(world, lane.account_id) == {"jobs_submitted": 1200}
    assert await world.database["usage_events"].count_documents({"unrolled": True}) == 0


async def test_a_wiped_queue_loses_no_job(world: World, amqp_url: str, queue_prefix: str) -> None:
    lane = await world.joined()
    await world.stores.jobs.insert(*(new_job(lane) for _ in range(3)))
    async with RabbitMQUsageQueue.open(amqp_url, prefix=queue_prefix) as queue:
        await emitted(EventSync(world.stores, queue, gateway="gw_1"))
    await asyncio.to_thread(wipe, amqp_url, Topology(prefix=queue_prefix).usage_queue.name)

    async with RabbitMQUsageQueue.open(amqp_url, prefix=queue_prefix) as queue:
        again = EventSync(world.stores, queue, gateway="gw_2")
        async with running(again.receive), asyncio.timeout(60):
            await emitted(again)
            while not await is_all_counted(world):  # noqa: ASYNC110  (the queue is another server's: no event)
                await asyncio.sleep(0.01)
            await again.store()

    assert await sums(world, lane.account_id) == {"jobs_submitted": 3}


async def emitted(sync: EventSync) -> None:
    """As soon as there is a connection."""
    async with asyncio.timeout(60):
        while True:
            try:
                await sync.collect()
            except BrokerDown:
                await asyncio.sleep(0.01)
            else:
                return


def wipe(url: str, queue: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        while not channel.queue_purge(queue).method.message_count:  # what its consumer held comes back in a moment
            connection.sleep(0.01)


async def test_a_meter_tells_what_it_counted_and_says_its_last_words(world: World, sync: UsageSync) -> None:
    lane = await world.joined()
    meter = UsageMeter(world.stores, sync)

    meter.count(lane.account_id)
    await meter.run_once()
    meter.count(lane.account_id)
    await meter.finish()
    await settle(world, sync)

    assert await sums(world, lane.account_id) == {"requests": 2}


async def test_pending_is_what_the_sums_do_not_have_yet(world: World, valkey_url: str) -> None:
    lane, day = await world.joined(), LONG_AGO.date().isoformat()
    async with UsageCounter.open(valkey_url, prefix=f"{secrets.token_hex(4)}.") as counter:
        sync = DeltaSync(world.stores, counter, gateway="gw_1")
        await sync.tell(Counted(number=1, at=LONG_AGO, requests={lane.account_id: 3}))
        before = await sync.pending(lane.account_id, [day])
        await sync.flush()
        after = await sync.pending(lane.account_id, [day])

    assert before is not None
    assert after is not None
    assert (before.counts, before.last) == ({day: {Metric.REQUESTS: 3}}, 0)
    assert (after.counts, after.flush) == ({}, {})
    assert [found.flushed for found in await world.stores.usage.read(lane.account_id, date.min, date.max)] == [
        after.last
    ]
