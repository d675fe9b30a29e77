"""A job's files: inputs fetched once, outputs stored and then forgotten. One folder a job, removed at its end."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import structlog

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import AssetId, SeriesId, new_asset_id
from reelwork.domain.job import Job, Output
from reelwork.domain.media import extension_for
from reelwork.engine.engine import claimed
from reelwork.engine.sweep import Sweeper
from reelwork.generator import Artifact
from reelwork.modelling.table import csv_header, csv_lines
from reelwork.objects.s3 import ObjectStore
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

CHUNK_BYTES = 1024 * 1024
META_CHARACTERS = 4000
# Providers fetch what they are given when they begin, which may be some time after they have accepted it.
LINKED_FOR = timedelta(hours=1)


class InputMissing(Exception):
    """An input asset that the job names is gone."""


@dataclass(frozen=True, slots=True)
class _Measured:
    size_bytes: int
    sha256: str


class Files:
    """Moves one job's bytes between the object store and its folder."""

    def __init__(self, job: Job, stores: Stores, objects: ObjectStore, sweeper: Sweeper) -> None:
        self._job = job
        self._stores = stores
        self._objects = objects
        self._sweeper = sweeper
        self._fetched: dict[str, Path] = {}
        self._staged: list[Asset] = []
        self.outputs: list[Output] = []

    async def fetch(self, asset_id: str, folder: Path) -> Path:
        """The local file of an input asset, in `folder` since the first time; of a saved series, as CSV.

        Raises InputMissing, ObjectStoreDown, StoreUnavailable.
        """
        if asset_id not in self._fetched and asset_id.startswith("ser_"):
            self._fetched[asset_id] = await self._series(asset_id, folder)
        if asset_id not in self._fetched:
            asset = await self._input(asset_id)
            path = folder / f"input-{len(self._fetched)}{extension_for(asset.content_type)}"
            await self._objects.get_file(asset.key, path)
            self._fetched[asset_id] = path
        return self._fetched[asset_id]

    async def link(self, asset_id: str) -> str:
        """An address where anybody may read an input asset, for `LINKED_FOR`. Raises InputMissing, StoreUnavailable."""
        asset = await self._input(asset_id)
        return self._objects.presign_get(
            asset.key,
            expires=LINKED_FOR,
            filename=asset.filename,
            content_type=asset.content_type,
            disposition="attachment",
        )

    async def _input(self, asset_id: str) -> Asset:
        asset = await self._stores.assets.get(self._job.account_id, AssetId(asset_id))
        if asset is None or asset_id not in self._job.input_assets:
            raise InputMissing(f"The asset {asset_id} is gone.")
        return asset

    async def _series(self, series_id: str, folder: Path) -> Path:
        """The series as it was when the job was made, a line for each point, in a file of its own."""
        use = next((use for use in self._job.input_series if use.series_id == series_id), None)
        series = await self._stores.series.get(self._job.account_id, SeriesId(series_id)) if use else None
        if use is None or series is None:
            raise InputMissing(f"The series {series_id} is gone.")
        path = anyio.Path(folder / f"input-{len(self._fetched)}.csv")
        chunks = self._stores.series.chunks(series.id, points=use.points, observables=use.observables)
        async with await path.open("w", encoding="utf-8") as file:
            await file.write(csv_header(use.observables))
            async for values in chunks:
                await file.write(csv_lines(values, use.observables))
        return Path(path)

    async def store(self, artifact: Artifact) -> None:
        """Keep an output under a key of this attempt's own. It counts only if the attempt wins."""
        measured = await anyio.to_thread.run_sync(_measure, artifact.path)
        asset = self._asset(artifact, measured)
        await self._stores.assets.stage(asset)
        self._staged.append(asset)
        await self._objects.put_file(asset.key, artifact.path, asset.content_type, sha256=asset.sha256)
        await anyio.Path(artifact.path).unlink(missing_ok=True)
        self.outputs.append(_output(asset, artifact, index=len(self.outputs)))

    def _asset(self, artifact: Artifact, measured: _Measured) -> Asset:
        job, fence, asset_id = self._job, claimed(self._job), new_asset_id()
        extension = extension_for(artifact.media_type)
        return Asset(
            id=asset_id,
            account_id=job.account_id,
            state=AssetState.STAGED,
            purpose=Purpose.OUTPUT,
            key=f"accounts/{job.account_id}/jobs/{job.id}/{job.attempt}-{fence.slot[:8]}/{asset_id}{extension}",
            content_type=artifact.media_type,
            filename=artifact.name,
            size_bytes=measured.size_bytes,
            sha256=measured.sha256,
            created_at=datetime.now(UTC),
            width=artifact.width,
            height=artifact.height,
            duration_seconds=artifact.duration_seconds,
            job_id=job.id,
            attempt=job.attempt,
        )

    async def commit(self) -> None:
        """The attempt won: its outputs are there to stay. What could not be stored at first is the sweeper's."""
        if self.outputs:
            await self._stores.assets.commit([output.asset_id for output in self.outputs])

    async def discard(self) -> None:
        """The attempt did not win: what it stored belongs to nobody."""
        await self._sweeper.discard(self._staged)


def _measure(path: Path) -> _Measured:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return _Measured(size, digest.hexdigest())


def _output(asset: Asset, artifact: Artifact, *, index: int) -> Output:
    return Output(
        index=index,
        asset_id=asset.id,
        name=artifact.name,
        role=artifact.role,
        content_type=asset.content_type,
        size_bytes=asset.size_bytes,
        sha256=asset.sha256,
        width=asset.width,
        height=asset.height,
        duration_seconds=asset.duration_seconds,
        meta=_meta(artifact),
    )


def _meta(artifact: Artifact) -> dict[str, Any]:
    """What the model says of its output; nothing, where that is no JSON or very long. (Any: JSON.)"""
    try:
        told = json.dumps(dict(artifact.meta), allow_nan=False)
    except (TypeError, ValueError):
        told = ""
    if not 0 < len(told) <= META_CHARACTERS:
        log.warning("output.meta_left_out", name=artifact.name, characters=len(told))
        return {}
    return dict(json.loads(told))
