"""What came of a batch, in one download: lines of JSON, or the files in a ZIP. Streamed: memory stays flat."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import structlog

from gateway.auth import Caller
from gateway.services.assets import AssetService
from gateway.services.zip_stream import ZipStream
from gateway.views import job_view
from reelwork.contract.batches import BatchOutput
from reelwork.domain.batch import Batch
from reelwork.domain.errors import AssetNotFound
from reelwork.domain.ids import AssetId
from reelwork.domain.job import Job, Output
from reelwork.objects.errors import ObjectMissing
from reelwork.objects.stream import ObjectStream
from reelwork.store.stores import Stores

# Jobs that are read at once: a few hundred kilobytes.
_CHUNK = 50
CONTENTS = "outputs.jsonl"

log = structlog.get_logger(__name__)


class BatchExport:
    """Both ways begin with the first item and follow the batch's order; rejected items have no line and no file."""

    def __init__(self, stores: Stores, assets: AssetService) -> None:
        self._stores = stores
        self._assets = assets

    async def jsonl(self, batch: Batch) -> AsyncIterator[bytes]:
        """One line for each job, whatever became of it so far."""
        async for index, job in self._jobs(batch):
            yield _line(index, job)

    async def zip(self, caller: Caller, batch: Batch) -> AsyncIterator[bytes]:
        """The outputs there are as `0001-<job>/<name>`, then the lines of `jsonl`.

        An output that its owner has removed since is left out. Raises ObjectStoreDown or ObjectMissing in the middle:
        what was sent by then has no end, and is no ZIP.
        """
        archive, lines = ZipStream(), bytearray()
        async for index, job in self._jobs(batch):
            lines += _line(index, job)
            for number, output in enumerate(job.outputs):
                async for piece in self._file(archive, caller, _name(index, job, number), output, job):
                    yield piece
        contents = archive.file(CONTENTS, _once(bytes(lines)), size_bytes=len(lines), at=datetime.now(UTC))
        async for piece in contents:
            yield piece
        yield archive.end()

    async def _file(
        self, archive: ZipStream, caller: Caller, name: str, output: Output, job: Job
    ) -> AsyncIterator[bytes]:
        try:
            opened = await self._open(caller, output.asset_id)
        except AssetNotFound:
            log.info("export.output_removed", job_id=job.id, asset_id=output.asset_id)
            return
        async with opened as content:
            ended = job.completed_at or job.created_at
            async for piece in archive.file(name, content, size_bytes=output.size_bytes, at=ended):
                yield piece

    async def _open(self, caller: Caller, asset_id: AssetId) -> ObjectStream:
        """Raises AssetNotFound for one that was removed, also at this very moment."""
        asset = await self._assets.get(caller, asset_id)
        try:
            return await self._assets.open(asset)
        except ObjectMissing:
            await self._assets.get(caller, asset_id)
            raise

    async def _jobs(self, batch: Batch) -> AsyncIterator[tuple[int, Job]]:
        """The batch's jobs with the indexes of their items; one that is gone is left out."""
        wanted = [(index, job) for index, job in enumerate(batch.job_ids) if job is not None]
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            found = await self._stores.selection.jobs(batch.account_id, [job for _, job in some])
            for index, job in some:
                if job in found:
                    yield index, found[job]


def _line(index: int, job: Job) -> bytes:
    view = job_view(job)
    line = BatchOutput(
        index=index,
        id=view.id,
        status=view.status,
        outputs=view.outputs,
        error=view.error,
        metadata=view.metadata,
    )
    return line.model_dump_json().encode() + b"\n"


def _name(index: int, job: Job, number: int) -> str:
    """Safe on any disk: ids are letters and digits, models name their outputs by plain file names."""
    name, before = job.outputs[number].name, [output.name for output in job.outputs[:number]]
    return f"{index + 1:04}-{job.id}/{f'{number}-{name}' if name in before else name}"


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
