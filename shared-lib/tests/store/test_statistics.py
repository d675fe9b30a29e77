"""How jobs of each version of a model went lately."""

from reelwork.store.statistics import HOURS, KEPT, Outcomes
from testkit.world import World

NOOP = "testkit/noop@1"


async def earlier(world: World, hours: int) -> None:
    """Let all that is counted have happened so many hours earlier."""
    moved = {
        "$map": {
            "input": "$hours",
            "in": {"$mergeObjects": ["$$this", {"hour": {"$subtract": ["$$this.hour", hours]}}]},
        }
    }
    await world.database["model_statistics"].update_many({}, [{"$set": {"hours": moved}}])


async def test_what_is_added_is_counted_together(world: World) -> None:
    await world.stores.statistics.add({NOOP: Outcomes(runs=[1.0], queued=[0.5], completed=1)})
    await world.stores.statistics.add({NOOP: Outcomes(runs=[2.0], completed=1, failed=2), "a/b@1": Outcomes(failed=1)})

    found = await world.stores.statistics.of([NOOP, "a/b@1", "a/b@2"])

    assert found == {
        NOOP: Outcomes(runs=[1.0, 2.0], queued=[0.5], completed=2, failed=2),
        "a/b@1": Outcomes(failed=1),
    }


async def test_counts_of_more_than_a_day_ago_are_left_out_and_then_forgotten(world: World) -> None:
    await world.stores.statistics.add({NOOP: Outcomes(failed=3)})
    await earlier(world, HOURS - 1)
    await world.stores.statistics.add({NOOP: Outcomes(completed=1)})

    within = (await world.stores.statistics.of([NOOP]))[NOOP]
    await earlier(world, 1)
    after = (await world.stores.statistics.of([NOOP]))[NOOP]
    await world.stores.statistics.add({NOOP: Outcomes(completed=1)})

    assert [(each.completed, each.failed) for each in (within, after)] == [(1, 3), (1, 0)]
    assert len((await world.database["model_statistics"].find_one({}))["hours"]) == 2


async def test_only_the_newest_samples_are_kept(world: World) -> None:
    await world.stores.statistics.add({NOOP: Outcomes(runs=[0.0] * KEPT)})
    await world.stores.statistics.add({NOOP: Outcomes(runs=[1.0, 2.0])})

    runs = (await world.stores.statistics.of([NOOP]))[NOOP].runs

    assert (len(runs), runs[-3:]) == (KEPT, [0.0, 1.0, 2.0])
