"""A simulated translation as a job: what its owner gets is the video that they sent, and word that it is simulated."""

import asyncio
import hashlib
from datetime import UTC, datetime

import av
import numpy as np
import pytest

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import new_asset_id
from reelwork.domain.job import Status
from reelwork.engine.cancel import cancel
from testkit.world import terms
from worker.models.simulated_translation import SimulatedTranslation


@pytest.fixture
async def video(workshop):
    """An asset with five frames of film in S3, its bytes, and the lane of its owner."""
    lane, asset_id = terms(), new_asset_id()
    file = workshop.scratch / "clip.mp4"
    with av.open(file, "w") as film:
        stream = film.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for shade in range(5):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((36, 64, 3), shade * 40, np.uint8))))
        film.mux(stream.encode(None))
    content = file.read_bytes()
    asset = Asset(
        id=asset_id,
        account_id=lane.account_id,
        state=AssetState.READY,
        purpose=Purpose.INPUT,
        key=f"accounts/{lane.account_id}/inputs/{asset_id}.mp4",
        content_type="video/mp4",
        filename="clip.mp4",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        created_at=datetime.now(UTC),
    )
    await workshop.world.objects.put_file(asset.key, file, asset.content_type)
    file.unlink()
    await workshop.world.stores.assets.stage(asset)
    return asset_id, content, lane


async def submitted(workshop, video, **values):
    asset_id, _, lane = video
    return await workshop.submit(
        lane, model=SimulatedTranslation.id, input={"video": asset_id, **values}, input_assets=(asset_id,)
    )


async def test_its_output_is_the_input_and_says_that_it_is_simulated(workshop, video):
    job = await submitted(workshop, video, delay_seconds=0)

    await workshop.runner(SimulatedTranslation).work("cpu")

    done = await workshop.world.read(job)
    (output,) = done.outputs
    assert done.status is Status.COMPLETED
    assert output.meta["simulated"] is True
    assert (output.content_type, output.width, output.height) == ("video/mp4", 64, 36)
    assert output.sha256 == hashlib.sha256(video[1]).hexdigest()


async def test_its_failure_is_final_and_says_so(workshop, video):
    job = await submitted(workshop, video, delay_seconds=0, failure_rate=1)

    await workshop.runner(SimulatedTranslation).work("cpu")

    failed = await workshop.world.read(job)
    assert (failed.status, failed.attempt) == (Status.FAILED, 1)
    assert (failed.error.code, failed.error.retryable) == ("generation_failed", False)
    assert "simulated" in failed.error.message


@pytest.mark.usefixtures("quick_beats")
async def test_it_is_cancelled_long_before_its_delay_is_over(workshop, video, eventually):
    job = await submitted(workshop, video, delay_seconds=600)

    async def simulating():
        return (await workshop.world.read(job)).progress.stage == "simulating"

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(workshop.runner(SimulatedTranslation).work("cpu"))
        await eventually(simulating)
        await cancel(workshop.world.engine, job.account_id, job.id, by="user")

    assert (await workshop.world.read(job)).status is Status.CANCELLED
    assert workshop.abandoned == []
