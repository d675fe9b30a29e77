"""A world with a bucket: assets with real bytes, and the object store held against the documents."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AccountId, AssetId, new_asset_id
from reelwork.domain.job import Job, Output
from reelwork.domain.lane import LaneTerms
from reelwork.engine.finish import complete
from reelwork.engine.sweep import STAGED_GRACE
from reelwork.objects.errors import ObjectMissing
from testkit.invariants import check_holdings, check_storage, steady
from testkit.world import World, an_output, new_job

BYTES = b"bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storeroom:
    """One world's assets, documents and bytes together."""

    world: World
    folder: Path

    async def keep(self, owner: AccountId, *, bytes_there: bool = True, **fields: Any) -> Asset:
        """Announce bytes and store them, some time ago. `fields`: an Asset's own, checked by its codec."""
        asset = an_asset(owner, **fields)
        await self.world.stores.assets.stage(asset)
        if bytes_there:
            file = self.folder / asset.id
            file.write_bytes(BYTES)
            await self.world.objects.put_file(asset.key, file, asset.content_type)
        return asset

    async def uploaded(self, owner: AccountId) -> Asset:
        """A ready input."""
        asset = await self.keep(owner, purpose=Purpose.INPUT)
        await self.world.stores.assets.commit([asset.id])
        return asset

    async def output_of(self, job: Job) -> Asset:
        """What a running attempt stored and did not commit yet."""
        return await self.keep(job.account_id, job_id=job.id, attempt=job.attempt)

    async def submitted(self, lane: LaneTerms, *inputs: Asset, **fields: Any) -> Job:
        """A job that names these inputs, stored as the gateway does it. `fields`: see `new_job`."""
        defaults: dict[str, Any] = {"input": {"words": "secret"}, "input_assets": tuple(asset.id for asset in inputs)}
        job = new_job(lane, **(defaults | fields))
        for asset in inputs:
            assert await self.world.stores.assets.announce_use(lane.account_id, asset.id, job.id)
        await self.world.stores.jobs.insert(job)
        await self.world.stores.lanes.open(lane)
        return job

    async def done(self, lane: LaneTerms, *inputs: Asset, **fields: Any) -> tuple[Job, Asset]:
        """The same, run to its completion, and its one output."""
        await self.submitted(lane, *inputs, **fields)
        running = await self.world.run()
        asset = await self.output_of(running)
        await complete(self.world.engine, running, [output(asset)], used=timedelta(seconds=1))
        await self.world.stores.assets.commit([asset.id])
        return await self.world.read(running), asset

    async def sweep(self, *, after: timedelta = timedelta()) -> None:
        """A pass of the sweeper, so much later."""
        await self.world.sweeper.sweep(datetime.now(UTC) + after)

    async def is_there(self, asset: Asset) -> tuple[AssetState | None, bool]:
        """The state of the document, and whether the bytes are there."""
        found = await self.world.stores.assets.get(asset.account_id, asset.id)
        try:
            await self.world.objects.head(asset.key)
        except ObjectMissing:
            return (found.state if found else None, False)
        return (found.state if found else None, True)

    async def check(self, *, settled: bool = False, deleted: Collection[AssetId] = ()) -> None:
        """Objects, assets and jobs agree; see `testkit.invariants`. `deleted`: assets that their owner removed."""
        before = await self.world.database["assets"].find().to_list()
        keys = {key async for key in self.world.objects.list_keys("accounts/")}
        assets = steady(before, await self.world.database["assets"].find().to_list())
        jobs = await self.world.database["jobs"].find().to_list()
        owners = {asset["account_id"] for asset in assets} | {job["account_id"] for job in jobs}
        check_storage(assets, _of(owners, keys), settled=settled)
        check_holdings(jobs, assets, deleted=deleted)


def an_asset(owner: AccountId, **fields: Any) -> Asset:
    """An asset that was announced some time ago; neither document nor bytes are there yet."""
    asset_id = new_asset_id()
    defaults: dict[str, Any] = {
        "id": asset_id,
        "account_id": owner,
        "state": AssetState.STAGED,
        "purpose": Purpose.OUTPUT,
        "key": f"accounts/{owner}/{asset_id}.txt",
        "content_type": "text/plain",
        "filename": "noop.txt",
        "size_bytes": len(BYTES),
        "sha256": "0" * 64,
        "created_at": datetime.now(UTC) - STAGED_GRACE * 2,
    }
    return Asset(**(defaults | fields))


def output(asset: Asset, index: int = 0) -> Output:
    """The asset as a job's result."""
    return an_output(index, asset=asset.id)


def _of(owners: Iterable[str], keys: Iterable[str]) -> set[str]:
    """Those keys that belong to these accounts: other tests may use the same bucket."""
    return {key for key in keys if key.split("/")[1] in owners}
