"""From what happens to a job to a receiver, over real HTTP: what is sent, and what becomes of it by the answer."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

from gateway.services.webhooks import payload
from reelwork.domain.batch import Batch, Tally
from reelwork.domain.ids import new_batch_id, new_job_id
from reelwork.domain.lane import LaneTerms
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.webhook import DeliveryState
from reelwork.engine.finish import fail
from testkit.post import Post
from testkit.world import an_output

NO_TIME = (timedelta(),) * 10


async def test_an_event_is_signed_and_thin_and_arrives_once(post: Post, lane: LaneTerms):
    _, secret = await post.listening(lane)
    job = await post.ended(lane, hooked=True, input={"prompt": "nobody's business"})

    assert await post.tell() == 1
    assert await post.tell() == 0
    await post.sender().send_all()
    await post.sender().send_all()

    (received,) = post.receiver.received
    content = received.verified(secret)
    assert content["type"] == "job.completed"
    assert (content["data"]["id"], content["data"]["status"]) == (job.id, "completed")
    assert "input" not in content["data"]
    assert len(received.body) < 20_000
    assert received.headers["content-type"] == "application/json"
    (delivery,) = await post.deliveries(lane)
    assert (delivery.state, delivery.tries, delivery.log[0].status) == (DeliveryState.DELIVERED, 1, 200)
    assert delivery.log[0].answer == "thanks"


async def test_what_would_make_a_webhook_long_is_left_out_the_longest_first_and_named(post: Post, lane: LaneTerms):
    _, secret = await post.listening(lane)
    long, short = {f"key_{number}": "🎬" * 500 for number in range(16)}, {"order": "42"}
    wordy = dataclasses.replace(an_output(), meta={"transcript": "word " * 6000})

    for metadata, outputs in [(long, [an_output()]), (short, [wordy]), (long, [wordy]), (short, [an_output()] * 21)]:
        await post.ended(lane, outputs, hooked=True, metadata=metadata)
        await post.tell()
        await post.sender().send_all()

    told = [received.verified(secret)["data"] for received in post.receiver.received]
    assert all(len(received.body) < 20_000 for received in post.receiver.received)
    assert [data["truncated"] for data in told] == [["metadata"], ["outputs"], ["metadata", "outputs"], ["outputs"]]
    assert [data["metadata"] for data in told] == [{}, short, {}, short]
    assert [len(data["outputs"]) for data in told] == [1, 0, 0, 20]
    assert all(data["urls"]["self"] == f"/v1/jobs/{data['id']}" for data in told)


async def test_a_long_error_is_cut_in_a_webhook(post: Post, lane: LaneTerms):
    await post.listening(lane)
    await post.world.submit(lane, hooked=True)
    failure = AttemptFailure(code="generation_failed", message="Because. " * 5000, retryable=False)
    await fail(post.world.engine, await post.world.run(), failure, used=timedelta(seconds=1))
    await post.tell()

    await post.sender().send_all()

    (received,) = post.receiver.received
    data = received.content()["data"]
    assert len(received.body) < 20_000
    assert data["truncated"] == ["error"]
    assert (data["error"]["code"], data["error"]["message"][:8]) == ("generation_failed", "Because.")


async def test_a_batch_with_long_metadata_is_told_without_it(post: Post, lane: LaneTerms):
    batch = Batch(
        id=new_batch_id(),
        account_id=lane.account_id,
        job_ids=(new_job_id(),),
        created_at=datetime.now(UTC),
        metadata={f"key_{number}": "\u2028" * 500 for number in range(16)},
    )

    data = json.loads(payload.of_batch(batch, Tally(), datetime.now(UTC)))["data"]

    assert (data["metadata"], data["truncated"]) == ({}, ["metadata"])


async def test_a_receiver_that_fails_nine_times_gets_it_at_the_tenth_under_the_same_id(post: Post, lane: LaneTerms):
    _, secret = await post.listening(lane)
    post.receiver.answers = [*[(500 + number, {}) for number in range(9)], (204, {"Content-Length": "0"})]
    await post.ended(lane, hooked=True)
    await post.tell()

    for _ in range(10):
        await post.sender().send_all()
        await post.come_due()
    await post.sender().send_all()

    assert len(post.receiver.received) == 10
    assert len({received.id for received in post.receiver.received}) == 1
    assert all(received.verified(secret) for received in post.receiver.received)
    (delivery,) = await post.deliveries(lane)
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 10)
    assert [tried.status for tried in delivery.log] == [*range(500, 509), 204]


async def test_after_the_tenth_failure_it_is_given_up_until_its_owner_recovers_it(post: Post, lane: LaneTerms):
    webhook, _ = await post.listening(lane)
    post.receiver.answers = [(500, {})]
    begun = datetime.now(UTC) - timedelta(minutes=1)
    await post.ended(lane, hooked=True)
    await post.tell()
    sender = post.sender(waits=NO_TIME)

    for _ in range(12):
        await sender.send_all()
        await post.come_due()

    (dead,) = await post.deliveries(lane)
    assert (dead.state, dead.tries) == (DeliveryState.DEAD, 10)
    assert (await post.world.stores.webhooks.get(lane.account_id, webhook.id)).failing_since is not None
    post.receiver.answers = [(200, {})]
    assert await post.world.stores.deliveries.recover(lane.account_id, webhook.id, since=begun) == 1
    await sender.send_all()
    (delivery,) = await post.deliveries(lane)
    assert delivery.state is DeliveryState.DELIVERED
    assert (await post.world.stores.webhooks.get(lane.account_id, webhook.id)).failing_since is None


async def test_a_wait_that_the_receiver_asks_for_is_kept(post: Post, lane: LaneTerms):
    await post.listening(lane)
    post.receiver.answers = [(429, {"Retry-After": "3600"})]
    await post.ended(lane, hooked=True)
    await post.tell()

    await post.sender().send_all()

    (delivery,) = await post.deliveries(lane)
    wait = delivery.next_at - delivery.log[0].at
    assert timedelta(minutes=59) < wait < timedelta(minutes=61)


async def test_a_receiver_that_is_gone_is_not_asked_again(post: Post, lane: LaneTerms):
    webhook, _ = await post.listening(lane)
    post.receiver.answers = [(410, {})]
    for _ in range(2):
        await post.ended(lane, hooked=True)
    await post.tell()
    sender = post.sender(at_once=1)

    await sender.send_all()

    assert len(post.receiver.received) == 1
    assert {each.state for each in await post.deliveries(lane)} == {DeliveryState.DEAD}
    found = await post.world.stores.webhooks.get(lane.account_id, webhook.id)
    assert not found.enabled
    assert "410" in found.disabled_reason


async def test_a_redirect_is_not_followed(post: Post, lane: LaneTerms):
    await post.listening(lane)
    post.receiver.answers = [(307, {"Location": "/elsewhere"})]
    await post.ended(lane, hooked=True)
    await post.tell()

    await post.sender().send_all()

    assert [received.path for received in post.receiver.received] == ["/hook"]
    (delivery,) = await post.deliveries(lane)
    assert (delivery.state, delivery.log[0].status) == (DeliveryState.PENDING, 307)
