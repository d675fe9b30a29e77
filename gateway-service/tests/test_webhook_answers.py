"""From what happens to a job to a receiver, over real HTTP: what is sent, and what becomes of it by the answer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.services.webhooks.secrets import Secrets
from reelwork.domain.lane import LaneTerms
from reelwork.domain.webhook import DeliveryState
from testkit.internet import Wire
from testkit.post import Post
from testkit.receiver import running_receiver
from testkit.services import fresh_database
from testkit.world import World, open_world

NO_TIME = (timedelta(),) * 10


@pytest.fixture(scope="module")
async def world(mongo_url: str) -> AsyncIterator[World]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as opened:
            yield opened


@pytest.fixture
async def post(world: World) -> AsyncIterator[Post]:
    """An empty world, and what carries its webhooks."""
    with running_receiver() as receiver:
        yield Post(world, receiver, Wire(receiver), Secrets("s" * 32))
    await world.clear()


@pytest.fixture
async def lane(post: Post) -> LaneTerms:
    return await post.world.joined()


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
