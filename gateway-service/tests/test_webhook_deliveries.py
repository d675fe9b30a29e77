"""Deliveries among others: signed with what secret, in what order, once, and past whoever is slow or dies."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from gateway.services.webhooks.herald import Herald
from gateway.services.webhooks.sender import LEASE
from reelwork.domain.batch import Batch
from reelwork.domain.ids import new_batch_id
from reelwork.domain.job import JobWebhook
from reelwork.domain.lane import LaneTerms
from reelwork.domain.webhook import ENDS, Dead, DeliveryState, EventType
from reelwork.engine.finish import complete
from testkit.post import Post
from testkit.steps import Died, Mortality, stepped
from testkit.waiting import until
from testkit.world import an_output


@pytest.mark.security
async def test_an_address_that_has_become_private_is_not_called(post: Post, lane: LaneTerms):
    await post.listening(lane)
    await post.ended(lane, hooked=True)
    await post.tell()

    await post.sender({"hooks.example.com": [["127.0.0.1"]]}).send_all()

    assert (post.receiver.received, post.wire.dialled) == ([], [])
    (delivery,) = await post.deliveries(lane)
    assert delivery.state is DeliveryState.PENDING
    assert "not fetched" in delivery.log[0].error
    assert "127.0.0.1" not in delivery.log[0].error


async def test_old_and_new_secret_verify_while_they_overlap(post: Post, lane: LaneTerms):
    webhook, old = await post.listening(lane)
    secret, new = post.secrets.new(webhook.id)
    await post.world.stores.webhooks.rotate(lane.account_id, webhook.id, secret, overlap=timedelta(hours=1))
    await post.ended(lane, hooked=True)
    await post.tell()
    await post.sender().send_all()

    later, newest = post.secrets.new(webhook.id)
    await post.world.stores.webhooks.rotate(lane.account_id, webhook.id, later, overlap=timedelta())
    await post.ended(lane, hooked=True)
    await post.tell()
    await post.sender().send_all()

    first, second = post.receiver.received
    assert first.verified(old) == first.verified(new)
    assert second.verified(newest)
    with pytest.raises(WebhookVerificationError):
        second.verified(new)


async def test_a_job_brings_its_own_address_and_is_signed_with_the_accounts_secret(post: Post, lane: LaneTerms):
    new, _ = post.secrets.new(lane.account_id)
    secrets = await post.world.stores.webhooks.secrets(lane.account_id, new)
    own = JobWebhook(url="http://hooks.example.com/own", events=tuple(ENDS))
    await post.ended(lane, hooked=True, webhook=own)

    await post.tell()
    await post.sender().send_all()

    (received,) = post.receiver.at("/own")
    assert received.verified(post.secrets.text(secrets[0], lane.account_id))["type"] == "job.completed"


async def test_events_are_told_as_an_endpoint_wants_them_and_in_their_order(post: Post, lane: LaneTerms):
    await post.listening(lane, events=tuple(EventType))
    await post.listening(lane, events=("job.failed",), url="http://hooks.example.com/failures")
    await post.ended(lane, hooked=True)

    await post.tell()
    await post.sender(at_once=1).send_all()

    assert [received.content()["type"] for received in post.receiver.received] == [
        "job.queued",
        "job.processing",
        "job.completed",
    ]
    assert [received.content()["data"]["event"]["seq"] for received in post.receiver.received] == [1, 2, 3]


async def test_a_job_that_nobody_listens_to_leaves_no_trace(post: Post, lane: LaneTerms):
    job = await post.ended(lane)

    assert await post.tell() == 0
    assert "untold" not in await post.world.raw(job.id)


async def test_nothing_is_told_twice_or_lost_wherever_the_herald_dies(post: Post, lane: LaneTerms):
    await post.listening(lane)
    mortality = Mortality()
    stores = type(post.world.stores).of(stepped(post.world.database, mortality))
    for number in range(6):
        await post.ended(lane, hooked=True)
        mortality.die_before(number)
        try:
            await Herald(stores, lambda: None).run_once()
        except Died:
            await post.tell()
        mortality.die_before(None)

    await post.sender().send_all()

    told = [received.content()["data"]["id"] for received in post.receiver.received]
    assert len(told) == len(set(told)) == 6


async def test_a_delivery_whose_sender_died_is_sent_by_another_one_after_its_lease(post: Post, lane: LaneTerms):
    await post.listening(lane)
    await post.ended(lane, hooked=True)
    await post.tell()
    now = datetime.now(UTC) + timedelta(seconds=1)
    claimed = await post.world.stores.deliveries.claim(now, lease=LEASE)

    await post.sender().send_all()
    assert post.receiver.received == []
    await post.come_due()
    await post.sender().send_all()

    assert len(post.receiver.received) == 1
    assert claimed is not None
    assert not await post.world.stores.deliveries.settle(claimed, None, Dead())
    (delivery,) = await post.deliveries(lane)
    assert delivery.state is DeliveryState.DELIVERED


async def test_slow_receivers_do_not_hold_up_others(post: Post, lane: LaneTerms):
    other = await post.world.joined()
    await post.listening(lane, url="http://slow.example.com/slow")
    await post.listening(other)
    for _ in range(4):
        await post.ended(lane, hooked=True)
    await post.ended(other, hooked=True)
    await post.tell()
    released = threading.Event()
    post.receiver.hold = lambda path: path != "/slow" or released.wait(5) or None
    sending = asyncio.create_task(post.sender(at_once=4).send_all())

    await asyncio.to_thread(until, lambda: post.receiver.at("/hook"))

    assert len(post.receiver.at("/slow")) == 1  # a quarter of four
    released.set()
    await sending
    assert len(post.receiver.at("/slow")) == 4


async def test_an_account_that_floods_does_not_come_before_another_one(post: Post, lane: LaneTerms):
    other = await post.world.joined()
    await post.listening(lane, url="http://slow.example.com/flood")
    await post.listening(other)
    for _ in range(10):
        await post.ended(lane, hooked=True)
    await post.ended(other, hooked=True)
    await post.tell()

    await post.sender(at_once=1).send_all()

    paths = [received.path for received in post.receiver.received]
    assert len(paths) == 11
    assert paths.index("/hook") <= 1


async def test_a_batch_tells_once_when_its_last_job_has_ended(post: Post, lane: LaneTerms):
    batch_id = new_batch_id()
    own = JobWebhook(url="http://hooks.example.com/batch", events=(EventType.BATCH_COMPLETED,))
    jobs = [await post.world.submit(lane, hooked=True, batch_id=batch_id) for _ in range(2)]
    batch = Batch(
        id=batch_id,
        account_id=lane.account_id,
        job_ids=tuple(job.id for job in jobs),
        created_at=datetime.now(UTC),
        webhook=own,
    )
    await post.world.stores.batches.begin(batch, patience=timedelta(minutes=1))
    assert await post.tell() == 0  # it may never have been
    await post.world.stores.batches.commit(batch_id, patience=timedelta(minutes=1))
    for _ in jobs:
        assert await post.tell() == 0
        await complete(post.world.engine, await post.world.run(), [an_output()], used=timedelta(seconds=1))

    await post.tell()
    await post.tell()
    await post.sender().send_all()

    (received,) = post.receiver.received
    content = received.content()
    assert (content["type"], content["data"]["id"]) == ("batch.completed", batch_id)
    assert content["data"]["counts"]["completed"] == 2
