"""Which delivery is tried next: accounts take turns, and an index finds it, however many others are due."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from reelwork.domain.ids import AccountId, encode, new_account_id, new_delivery_id, uuid7
from reelwork.domain.webhook import Delivery
from reelwork.store.client import Document
from testkit.world import World

MINUTE = timedelta(minutes=1)
NOW = datetime.now(UTC)
FLOOD = 1000
HOOK = "https://hooks.example.com/hook"
# A document that is found, and its neighbours: far fewer than are due.
FEW = 4


def due(account: AccountId, url: str = HOOK, *, since: timedelta = MINUTE) -> Delivery:
    return Delivery(
        id=new_delivery_id(),
        account_id=account,
        webhook_id=None,
        url=url,
        event_id=f"evt_{encode(uuid7())}",
        type="job.completed",
        body="{}",
        created_at=NOW,
        next_at=NOW - since,
    )


async def profile(world: World) -> Sequence[Document]:
    await world.database.command("profile", 0)
    found: list[Document] = await world.database["system.profile"].find({"ns": {"$regex": "deliveries$"}}).to_list(None)
    await world.database["system.profile"].drop()
    assert found, "nothing was asked"
    return found


async def test_a_flood_of_one_account_is_not_read_for_anothers_delivery(world: World) -> None:
    flooding, other = new_account_id(), new_account_id()
    waiting = [due(new_account_id(), since=-60 * MINUTE) for _ in range(50)]
    await world.stores.deliveries.add([due(flooding, since=2 * MINUTE) for _ in range(FLOOD)] + waiting)
    await world.stores.deliveries.add([due(other)])
    await world.database.command("profile", 2)

    claimed = await world.stores.deliveries.claim(NOW, lease=MINUTE, without_accounts=[flooding])
    nothing = await world.stores.deliveries.claim(NOW, lease=MINUTE, without_accounts=[flooding])

    assert claimed is not None
    assert (claimed.delivery.account_id, nothing) == (other, None)
    for asked in await profile(world):
        assert asked.get("docsExamined", 0) <= FEW, asked["planSummary"]
        assert asked.get("keysExamined", 0) <= 2 * len(waiting) + FEW, asked["planSummary"]


async def test_a_flood_to_one_address_is_not_read_for_another_address(world: World) -> None:
    account = new_account_id()
    await world.stores.deliveries.add([due(account, since=2 * MINUTE) for _ in range(FLOOD)])
    await world.stores.deliveries.add([due(account, "https://quick.example.com/")])
    await world.database.command("profile", 2)

    claimed = await world.stores.deliveries.claim(NOW, lease=MINUTE, without_urls=[HOOK])
    nothing = await world.stores.deliveries.claim(NOW, lease=MINUTE, without_urls=[HOOK])

    assert claimed is not None
    assert (claimed.delivery.url, nothing) == ("https://quick.example.com/", None)
    for asked in await profile(world):
        assert asked.get("docsExamined", 0) <= FEW, asked["planSummary"]
        assert asked.get("keysExamined", 0) <= FEW, asked["planSummary"]


async def test_accounts_take_turns_and_each_ones_oldest_comes_first(world: World) -> None:
    first, second, third = sorted(new_account_id() for _ in range(3))
    new, old = due(first, since=MINUTE), due(first, since=5 * MINUTE)
    others = [due(second, since=3 * MINUTE), due(third, since=2 * MINUTE)]
    await world.stores.deliveries.add([new, old, *others])

    claimed, after = [], None
    for _ in range(4):
        found = await world.stores.deliveries.claim(NOW, lease=MINUTE, after=after)
        assert found is not None
        after = found.delivery.account_id
        claimed.append(found.delivery.id)

    assert claimed == [old.id, *(other.id for other in others), new.id]
    assert await world.stores.deliveries.claim(NOW, lease=MINUTE, after=after) is None


async def test_what_is_not_due_yet_is_not_claimed(world: World) -> None:
    await world.stores.deliveries.add([due(new_account_id(), since=-MINUTE)])

    assert await world.stores.deliveries.claim(NOW, lease=MINUTE) is None
