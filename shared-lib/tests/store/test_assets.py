"""Assets, from the announcement of their bytes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AccountId, new_account_id, new_asset_id, new_job_id
from reelwork.store.assets import AssetFilter
from testkit.world import World

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWNER = new_account_id()


def new_asset(owner: AccountId = OWNER, **fields: Any) -> Asset:
    asset = new_asset_id()
    defaults: dict[str, Any] = {
        "id": asset,
        "account_id": owner,
        "state": AssetState.STAGED,
        "purpose": Purpose.INPUT,
        "key": f"accounts/{owner}/{asset}",
        "content_type": "image/png",
        "filename": "picture.png",
        "size_bytes": 3,
        "sha256": "0" * 64,
        "created_at": NOW,
    }
    return Asset(**(defaults | fields))


async def stage(world: World, *assets: Asset) -> None:
    for asset in assets:
        await world.stores.assets.stage(asset)


async def test_an_asset_is_read_back_as_it_was_stored_by_its_owner_only(world: World) -> None:
    asset = new_asset(width=640, height=480, duration_seconds=1.5, job_id=new_job_id(), attempt=2)
    await stage(world, asset)

    assert await world.stores.assets.get(OWNER, asset.id) == asset
    assert await world.stores.assets.get(new_account_id(), asset.id) is None
    assert await world.stores.assets.get(OWNER, new_asset_id()) is None


async def test_of_two_assets_under_one_id_the_first_stays(world: World) -> None:
    first = new_asset(filename="first.png")
    second = new_asset(id=first.id, filename="second.png")

    staged = [await world.stores.assets.stage_once(asset) for asset in (first, second)]

    assert staged == [True, False]
    assert await world.stores.assets.get(OWNER, first.id) == first


async def test_an_asset_is_listed_once_its_bytes_are_there(world: World) -> None:
    kept, other = new_asset(), new_asset()
    await stage(world, kept, other)

    await world.stores.assets.commit([kept.id, new_asset_id()])

    page = await world.stores.assets.page(OWNER, AssetFilter(), before=None, limit=10)
    assert [(asset.id, asset.state) for asset in page] == [(kept.id, AssetState.READY)]


async def test_what_is_ready_is_neither_condemned_nor_forgotten(world: World) -> None:
    ready, staged = new_asset(state=AssetState.READY), new_asset()
    await stage(world, ready, staged)

    condemned = [await world.stores.assets.condemn(asset.id) for asset in (ready, staged)]
    await world.stores.assets.forget([ready.id, staged.id])

    assert condemned == [False, True]

    assert await world.stores.assets.get(OWNER, ready.id) == ready
    assert await world.stores.assets.get(OWNER, staged.id) is None


async def test_pages_are_newest_first_and_meet_without_gap_or_overlap(world: World) -> None:
    assets = [new_asset(id=f"asset_{number:026}", state=AssetState.READY) for number in range(5)]
    await stage(world, *assets, new_asset(new_account_id(), state=AssetState.READY))
    pages, before = [], None

    while page := await world.stores.assets.page(OWNER, AssetFilter(), before=before, limit=2):
        pages.append([asset.id for asset in page])
        before = page[-1].id

    ids = [asset.id for asset in reversed(assets)]
    assert pages == [ids[0:2], ids[2:4], ids[4:]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (AssetFilter(kind="image"), {"image/png", "image/jpeg"}),
        (AssetFilter(kind="video"), {"video/mp4"}),
        (AssetFilter(kind="imag"), set()),
        (AssetFilter(purpose=Purpose.OUTPUT), {"video/mp4", "image/jpeg"}),
        (AssetFilter(purpose=Purpose.OUTPUT, kind="image"), {"image/jpeg"}),
    ],
)
async def test_pages_hold_what_was_asked_for(world: World, where: AssetFilter, expected: set[str]) -> None:
    await stage(
        world,
        new_asset(state=AssetState.READY, content_type="image/png"),
        new_asset(state=AssetState.READY, content_type="image/jpeg", purpose=Purpose.OUTPUT),
        new_asset(state=AssetState.READY, content_type="video/mp4", purpose=Purpose.OUTPUT),
        new_asset(state=AssetState.READY, content_type="imagery/odd"),
    )

    page = await world.stores.assets.page(OWNER, where, before=None, limit=10)

    assert {asset.content_type for asset in page} == expected


async def test_what_is_unsettled_for_long_is_found_oldest_first_and_within_bounds(world: World) -> None:
    ages = {"a": 1, "b": 3, "c": 2, "d": 4}
    old = {name: new_asset(created_at=NOW - timedelta(hours=hours)) for name, hours in ages.items()}
    await stage(
        world, *old.values(), new_asset(), new_asset(state=AssetState.READY, created_at=NOW - timedelta(days=1))
    )
    find = world.stores.assets.unsettled_before

    first = await find(NOW - timedelta(minutes=1), after=NOW - timedelta(days=9), limit=3)
    rest = await find(NOW - timedelta(minutes=1), after=first[-1].created_at, limit=3)

    assert [asset.id for asset in first + rest] == [old[name].id for name in "dbca"]


async def test_either_somebody_gets_the_bytes_or_they_are_condemned(world: World) -> None:
    kept, lost, unknown = new_asset(), new_asset(), new_asset()
    await stage(world, kept, lost)
    assets = world.stores.assets
    await assets.commit([kept.id])

    condemned = [await assets.condemn(asset.id) for asset in (kept, lost, unknown)]
    await assets.commit([lost.id])

    assert condemned == [False, True, True], "what is gone was condemned before"
    states = [found and found.state for found in [await assets.get(OWNER, one.id) for one in (kept, lost, unknown)]]
    assert states == [AssetState.READY, AssetState.DISCARDED, None]
