"""What has an end is found by an index that holds nothing else, however much there is that has none."""

from datetime import UTC, datetime, timedelta

from reelwork.domain.asset import AssetState
from reelwork.domain.ids import new_account_id
from testkit.storage import an_asset
from testkit.world import World


async def test_assets_and_deleted_series_are_found_among_much_that_stays(world: World) -> None:
    now, owner, database = datetime.now(UTC), new_account_id(), world.database
    for _ in range(100):
        await world.stores.assets.stage(an_asset(owner, state=AssetState.READY))
    await database["series"].insert_many(
        [{"account_id": owner, "name": str(number), "deleted_at": None} for number in range(100)]
    )

    await database.command("profile", 2)
    await world.stores.assets.expired(now, after=now - timedelta(days=1), limit=50)
    await world.stores.series.bury(now, limit=50)
    await database.command("profile", 0)

    asked = await database["system.profile"].find({"op": "query"}).to_list(None)
    assert {query["ns"].partition(".")[2] for query in asked} == {"assets", "series"}
    assert [query["keysExamined"] + query["docsExamined"] for query in asked] == [0, 0]
