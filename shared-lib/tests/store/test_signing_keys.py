"""Signing keys: one signs, those before it are published until their tokens are dead."""

import asyncio
from datetime import UTC, datetime, timedelta

from reelwork.store.signing_keys import SIGNS_FOR, SigningKey
from testkit.world import World


def a_key(generation: int, name: str = "") -> SigningKey:
    return SigningKey(
        id=f"sig_{generation}{name}",
        generation=generation,
        public=b"p" * 32,
        private=b"s" * 60,
        sealed=True,
        created_at=datetime.now(UTC),
    )


async def test_of_those_who_make_one_at_once_one_succeeds(world: World) -> None:
    keys = world.stores.signing_keys

    made = await asyncio.gather(*(keys.add(a_key(1, name)) for name in "abcdef"))

    assert made.count(True) == 1
    assert len(await keys.published()) == 1


async def test_a_newer_one_signs_and_the_older_one_stays_published_for_a_while(world: World) -> None:
    keys = world.stores.signing_keys
    await keys.add(a_key(1))
    await keys.add(a_key(2))

    latest = await keys.latest()

    assert latest is not None
    assert (latest.id, latest.retired) == ("sig_2", False)
    assert [key.id for key in await keys.published()] == ["sig_2", "sig_1"]
    await world.database["signing_keys"].update_one({"_id": "sig_1"}, {"$set": {"expires_at": datetime.now(UTC)}})
    assert [key.id for key in await keys.published()] == ["sig_2"]
    assert await keys.published("sig_1") == []


async def test_after_its_days_another_one_is_due(world: World) -> None:
    keys = world.stores.signing_keys
    await keys.add(a_key(1))
    old = datetime.now(UTC) - SIGNS_FOR - timedelta(seconds=1)
    await world.database["signing_keys"].update_many({}, {"$set": {"created_at": old}})

    latest = await keys.latest()
    assert latest is not None
    assert latest.retired
    assert [key.id for key in await keys.published()] == ["sig_1"]


async def test_keys_that_are_removed_are_published_no_more(world: World) -> None:
    keys = world.stores.signing_keys
    await keys.add(a_key(1))

    await keys.remove()

    latest = await keys.latest()
    assert await keys.published() == []
    assert latest is None or latest.retired  # MongoDB takes it away in its own time
