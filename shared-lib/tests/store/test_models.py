"""Model cards, and work that is done about once in a while."""

import asyncio
from datetime import timedelta

from reelwork.domain.worker import ModelOffered
from reelwork.generator import ModelCard
from testkit.models import Noop
from testkit.world import World, hire

CARD = ModelCard.of(Noop)
MINUTE = timedelta(minutes=1)


async def seen_ago(world: World, age: timedelta) -> None:
    earlier = {"$subtract": ["$$NOW", int(age.total_seconds() * 1000)]}
    await world.database["models"].update_many({}, [{"$set": {"seen_at": earlier}}])


async def test_a_published_card_is_read_back_with_the_order_of_its_form(world: World) -> None:
    await world.stores.models.publish(CARD)

    (listing,) = await world.stores.models.all(fresh=MINUTE, known=MINUTE)

    assert (listing.card, listing.available) == (CARD, True)
    assert list(listing.card.input_schema["properties"]) == list(CARD.input_schema["properties"])


async def test_a_card_is_replaced_by_what_is_published_later_under_its_version(world: World) -> None:
    renamed = CARD.model_copy(update={"title": "$title"})
    for card in (CARD, renamed):
        await world.stores.models.publish(card)

    (listing,) = await world.stores.models.all(fresh=MINUTE, known=MINUTE)

    assert listing.card == renamed


async def test_versions_of_a_model_stand_side_by_side_the_newest_first(world: World) -> None:
    for version in ("1.9", "1.10", "2-rc1", "2"):
        await world.stores.models.publish(CARD.model_copy(update={"version": version}))

    listed = await world.stores.models.all(fresh=MINUTE, known=MINUTE)

    assert [listing.card.version for listing in listed] == ["2", "2-rc1", "1.10", "1.9"]


async def test_what_an_older_reelwork_published_is_no_second_card(world: World) -> None:
    await world.stores.models.publish(CARD)
    stored = await world.database["models"].find_one({})
    await world.database["models"].insert_one(stored | {"_id": CARD.name})

    assert len(await world.stores.models.all(fresh=MINUTE, known=MINUTE)) == 1


async def test_a_model_that_a_worker_of_an_older_reelwork_vouches_for_lives(world: World) -> None:
    await world.stores.models.publish(CARD)
    stored = await world.database["models"].find_one({})
    await world.database["models"].insert_one(stored | {"_id": CARD.name})
    await world.database["models"].delete_one({"_id": CARD.reference})
    models = [ModelOffered(name=CARD.name, version=version) for version in (CARD.version, "7")]

    assert await world.stores.models.living(models, within=MINUTE) == {models[0]}
    await seen_ago(world, MINUTE * 5)
    assert await world.stores.models.living(models, within=MINUTE) == set()
    assert await world.stores.models.living([], within=MINUTE) == set()


async def test_whether_models_live_is_known_by_index(world: World) -> None:
    for version in map(str, range(20)):
        await world.stores.models.publish(CARD.model_copy(update={"version": version}))
    await world.database.command("profile", 2)

    await world.stores.models.living([ModelOffered(name=CARD.name, version=one) for one in "37"], within=MINUTE)

    await world.database.command("profile", 0)
    done = await world.database["system.profile"].find_one({"ns": f"{world.database.name}.models", "op": "query"})
    await world.database["system.profile"].drop()
    assert done is not None
    assert (done["docsExamined"], "COLLSCAN" in done["planSummary"]) == (2, False)


async def test_a_model_that_no_worker_vouches_for_becomes_unavailable_then_unknown(world: World) -> None:
    await world.stores.models.publish(CARD)
    await seen_ago(world, MINUTE * 5)

    late = await world.stores.models.all(fresh=MINUTE, known=MINUTE * 10)
    gone = await world.stores.models.all(fresh=MINUTE, known=MINUTE * 2)
    await world.stores.models.publish(CARD)
    back = await world.stores.models.all(fresh=MINUTE, known=MINUTE * 2)

    assert [listing.available for listing in late] == [False]
    assert gone == []
    assert [listing.available for listing in back] == [True]


async def test_a_model_is_unavailable_while_all_workers_that_offer_it_drain_or_are_gone(world: World) -> None:
    await world.stores.models.publish(CARD)
    seen = []
    for state in ({}, {"drain": True}, {"age": 3600.0}, {"models": ("other",)}, {}):
        await hire(world, places=1, **({"models": (CARD.name,)} | state))
        (listing,) = await world.stores.models.all(fresh=MINUTE, known=MINUTE)
        seen.append(listing.available)

    assert seen == [True, False, False, True, True]


async def test_models_are_listed_by_name(world: World) -> None:
    for name in ("vendor/b", "vendor/a", "builtin/z"):
        await world.stores.models.publish(CARD.model_copy(update={"name": name}))

    listed = await world.stores.models.all(fresh=MINUTE, known=MINUTE)

    assert [listing.card.name for listing in listed] == ["builtin/z", "vendor/a", "vendor/b"]


async def test_a_pulse_is_taken_by_one_of_many(world: World) -> None:
    for _ in range(3):
        taken = await asyncio.gather(*(world.stores.pulses.take("sweep", every=MINUTE) for _ in range(10)))
        assert sum(taken) == 1
        await world.database["pulses"].update_one(
            {"_id": "sweep"}, [{"$set": {"at": {"$subtract": ["$at", MINUTE.total_seconds() * 1000]}}}]
        )


async def test_a_pulse_that_was_taken_lately_is_not_taken_again(world: World) -> None:
    await world.stores.pulses.take("sweep", every=MINUTE)

    assert await world.stores.pulses.take("sweep", every=MINUTE) is False
    assert await world.stores.pulses.take("other", every=MINUTE) is True
