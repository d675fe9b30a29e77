"""The files of a job: inputs are fetched, outputs stored, and what belongs to nobody goes."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reelwork.domain.asset import Asset, AssetState, Purpose
from reelwork.domain.ids import new_account_id, new_asset_id
from reelwork.domain.job import Status
from reelwork.generator import ProviderUnavailable
from reelwork.objects.s3 import ObjectStore
from testkit.world import NO_BUCKET, terms


async def an_input(workshop, account, content=b"a picture"):
    """An asset of the account, with bytes in S3."""
    asset_id = new_asset_id()
    asset = Asset(
        id=asset_id,
        account_id=account,
        state=AssetState.READY,
        purpose=Purpose.INPUT,
        key=f"accounts/{account}/inputs/{asset_id}.png",
        content_type="image/png",
        filename="picture.png",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        created_at=datetime.now(UTC),
    )
    file = workshop.scratch / asset_id
    file.write_bytes(content)
    await workshop.world.objects.put_file(asset.key, file, asset.content_type)
    file.unlink()
    await workshop.world.stores.assets.stage(asset)
    return asset_id


async def test_a_model_makes_files_and_they_lie_in_s3_as_ready_assets(workshop, scripted, text):
    def generate(_params, ctx):
        yield text(ctx, b"first", "first.txt")
        yield text(ctx, b"second", "second.txt")

    job = await workshop.submit()

    assert await workshop.runner(scripted(generate)).work("cpu") == 1

    done = await workshop.world.read(job)
    assert done.status is Status.COMPLETED
    assert [(output.index, output.name) for output in done.outputs] == [(0, "first.txt"), (1, "second.txt")]
    for output, content in zip(done.outputs, (b"first", b"second"), strict=True):
        asset = await workshop.world.stores.assets.get(job.account_id, output.asset_id)
        assert (asset.state, asset.purpose, asset.job_id) == (AssetState.READY, Purpose.OUTPUT, job.id)
        assert await workshop.content(asset.key) == content
        assert output.sha256 == asset.sha256 == hashlib.sha256(content).hexdigest()
        assert output.size_bytes == asset.size_bytes == len(content)
    assert (await workshop.world.lane(job.lane))["slots"] == []


@pytest.mark.parametrize(
    ("meta", "kept"),
    [
        ({"simulated": True, "delay": 1.5, "of": ["a", None]}, True),
        ({"$set": {"a.b": 1}, "": 2}, True),
        ({"not JSON": object()}, False),
        ({"not JSON": float("nan")}, False),
        ({"long": "x" * 5000}, False),
    ],
)
async def test_what_a_model_says_of_its_output_is_kept_if_it_is_short_json(workshop, scripted, text, meta, kept):
    job = await workshop.submit()

    await workshop.runner(scripted(lambda _params, ctx: [replace(text(ctx), meta=meta)])).work("cpu")

    done = await workshop.world.read(job)
    assert done.status is Status.COMPLETED
    assert [output.meta for output in done.outputs] == [meta if kept else {}]


async def test_an_input_is_fetched_once_and_read_by_the_model(workshop, scripted):
    lane, seen = terms(), []
    asset = await an_input(workshop, lane.account_id, b"bytes of a picture")

    def generate(_params, ctx):
        first, second = ctx.fetch(asset), ctx.fetch(asset)
        seen.append((first == second, first.suffix, first.read_bytes()))
        return ()

    await workshop.submit(lane, input_assets=(asset,))
    await workshop.runner(scripted(generate)).work("cpu")

    assert seen == [(True, ".png", b"bytes of a picture")]


@pytest.mark.parametrize("why", ["unknown", "of another account", "not named by the job", "without bytes"])
async def test_a_job_whose_input_is_not_there_fails_for_good(workshop, scripted, why):
    lane, other = terms(), new_account_id()
    asset = await an_input(workshop, other if why == "of another account" else lane.account_id)
    if why == "unknown":
        asset = new_asset_id()
    if why == "without bytes":
        stored = await workshop.world.stores.assets.get(lane.account_id, asset)
        await workshop.world.objects.delete([stored.key])

    job = await workshop.submit(lane, input_assets=() if why == "not named by the job" else (asset,))
    await workshop.runner(scripted(lambda _params, ctx: [ctx.fetch(asset)])).work("cpu")

    failed = await workshop.world.read(job)
    assert (failed.status, failed.error.code, failed.error.retryable) == (Status.FAILED, "input_missing", False)


async def test_what_a_failed_attempt_had_stored_is_removed(workshop, scripted, text):
    def generate(_params, ctx):
        yield text(ctx)
        raise ProviderUnavailable("Busy.")

    job = await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    assert (await workshop.world.read(job)).status is Status.QUEUED
    assert await workshop.keys(job) == []
    assert await workshop.world.database["assets"].count_documents({}) == 0


async def test_a_file_is_removed_from_the_disk_as_soon_as_it_is_stored(workshop, scripted, text):
    left = []

    def generate(_params, ctx):
        yield text(ctx, name="first.txt")
        left.append([file.name for file in ctx.workdir.iterdir()])

    await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    assert left == [[]]
    assert list(workshop.scratch.iterdir()) == []


@pytest.mark.parametrize("fail", ["bug", "fatal"])
async def test_the_folder_of_a_failed_attempt_is_gone_as_well(workshop, scripted, fail):
    def generate(_params, ctx):
        (ctx.workdir / "half").write_bytes(b"half a film")
        raise {"bug": ZeroDivisionError("a fault"), "fatal": ProviderUnavailable("busy")}[fail]

    await workshop.submit()
    await workshop.runner(scripted(generate)).work("cpu")

    assert list(workshop.scratch.iterdir()) == []


async def test_without_s3_a_job_is_tried_again(workshop, scripted, text):
    job = await workshop.submit()

    async with ObjectStore.open(replace(NO_BUCKET, attempts=1)) as nowhere:
        await workshop.runner(scripted(lambda _params, ctx: [text(ctx)]), objects=nowhere).work("cpu")

    after = await workshop.world.read(job)
    assert (after.status, after.error.code) == (Status.QUEUED, "storage_unavailable")
