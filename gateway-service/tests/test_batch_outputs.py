"""GET /v1/batches/{id}/outputs: what came of a batch in one download, or a download that clearly broke off."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest

from gateway.auth import Caller as Owner
from gateway.services.assets import AssetService
from gateway.services.export import BatchExport
from reelwork.domain.account import OWNERS_SCOPES, ApiKey
from reelwork.domain.asset import Asset
from reelwork.domain.batch import Batch
from reelwork.domain.ids import KeyId, new_batch_id
from reelwork.domain.lane import LaneTerms
from reelwork.objects.stream import ObjectStream
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service, fresh_bucket, fresh_database
from testkit.stack import Stack
from testkit.storage import Storeroom
from testkit.waiting import until
from testkit.world import World, open_world

NOOP = "testkit/noop"
MIB = 1 << 20


def ended_batch(caller: Caller, *inputs: Json, **body: object) -> Json:
    jobs = [{"model": NOOP, "input": values, "metadata": {"n": str(n)}} for n, values in enumerate(inputs)]
    batch = expect(202, caller.http.post("/v1/batches", json={"items": jobs, **body}))
    until(lambda: expect(200, caller.http.get(batch["urls"]["self"]))["is_terminal"])
    return batch


def download(caller: Caller, batch: Json, form: str) -> httpx.Response:
    answer = caller.http.get(batch["urls"]["outputs"], params={"format": form})
    assert answer.status_code == 200, answer.text
    return answer


def lines(text: bytes) -> list[Json]:
    return [json.loads(line) for line in text.decode().splitlines()]


def key_of(stack: Stack, output: Json) -> str:
    with stack.documents() as database:
        return str(database["assets"].find_one({"_id": output["asset_id"]})["key"])


def test_every_job_has_a_line_whatever_became_of_it(owner: Caller):
    batch = ended_batch(owner, {"size_bytes": 3}, {"fail": "fatal"}, {})

    answer = download(owner, batch, "jsonl")

    told = lines(answer.content)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == f'attachment; filename="{batch["id"]}.jsonl"'
    assert [line["id"] for line in told] == batch["job_ids"]
    assert [line["index"] for line in told] == [0, 1, 2]
    assert [line["status"] for line in told] == ["completed", "failed", "completed"]
    assert [line["metadata"] for line in told] == [{"n": "0"}, {"n": "1"}, {"n": "2"}]
    assert told[0]["outputs"] == owner.job(batch["job_ids"][0])["outputs"]
    assert (told[1]["outputs"], told[1]["error"]["code"]) == ([], owner.job(batch["job_ids"][1])["error"]["code"])


def test_the_zip_has_every_output_as_it_is_and_the_lines(owner: Caller):
    batch = ended_batch(owner, {"size_bytes": 2 * MIB + 1, "seed": 1}, {"fail": "fatal"}, {"size_bytes": 0})

    answer = download(owner, batch, "zip")

    assert answer.headers["content-type"] == "application/zip"
    first, _, third = batch["job_ids"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"0001-{first}/noop.txt", f"0003-{third}/noop.txt", "outputs.jsonl"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        content = archive.read(f"0001-{first}/noop.txt")
        told = lines(archive.read("outputs.jsonl"))
    assert content == owner.content(owner.job(first)["outputs"][0]["asset_id"])
    assert [line["status"] for line in told] == ["completed", "failed", "completed"]


def test_rejected_items_have_no_line_and_keep_their_numbers(owner: Caller):
    jobs = [{"model": "nobody/nothing"}, {"model": NOOP}]
    batch = expect(202, owner.http.post("/v1/batches", json={"items": jobs, "mode": "partial"}))
    until(lambda: expect(200, owner.http.get(batch["urls"]["self"]))["is_terminal"])

    assert [line["index"] for line in lines(download(owner, batch, "jsonl").content)] == [1]
    with zipfile.ZipFile(io.BytesIO(download(owner, batch, "zip").content)) as archive:
        assert archive.namelist()[0] == f"0002-{batch['job_ids'][1]}/noop.txt"


def test_a_batch_without_outputs_is_a_zip_of_its_lines(owner: Caller):
    batch = ended_batch(owner, {"fail": "fatal"})

    with zipfile.ZipFile(io.BytesIO(download(owner, batch, "zip").content)) as archive:
        assert archive.namelist() == ["outputs.jsonl"]


def test_a_file_that_is_missing_in_the_middle_breaks_the_download_off(stack: Stack, owner: Caller):
    batch = ended_batch(owner, *[{"size_bytes": MIB}] * 3)
    stack.remove_object(key_of(stack, owner.job(batch["job_ids"][1])["outputs"][0]))
    got = bytearray()

    with pytest.raises(httpx.RemoteProtocolError):
        _read(owner, batch, got)

    assert len(got) >= MIB
    assert not zipfile.is_zipfile(io.BytesIO(got))


def test_a_download_that_cannot_begin_is_a_problem(stack: Stack, owner: Caller):
    batch = ended_batch(owner, {})
    stack.remove_object(key_of(stack, owner.job(batch["job_ids"][0])["outputs"][0]))

    problem = expect(404, owner.http.get(batch["urls"]["outputs"], params={"format": "zip"}))

    assert problem["code"] == "asset_not_found"


def test_an_output_that_was_removed_by_its_owner_is_left_out(stack: Stack, owner: Caller):
    batch = ended_batch(owner, {}, {})
    removed = owner.job(batch["job_ids"][0])["outputs"][0]
    with stack.documents() as database:
        database["assets"].delete_one({"_id": removed["asset_id"]})

    with zipfile.ZipFile(io.BytesIO(download(owner, batch, "zip").content)) as archive:
        assert archive.namelist() == [f"0002-{batch['job_ids'][1]}/noop.txt", "outputs.jsonl"]


async def test_an_output_that_is_removed_at_that_very_moment_is_left_out_too(
    mongo_url: str, s3: S3Service, tmp_path: Path
):
    with fresh_database(mongo_url) as name, fresh_bucket(s3) as bucket:
        async with open_world(mongo_url, name, bucket=bucket) as world:
            lane = await world.joined()
            job, _ = await Storeroom(world=world, folder=tmp_path).done(lane)
            caller = await _caller(world, lane)
            batch = Batch(id=new_batch_id(), account_id=lane.account_id, job_ids=(job.id,), created_at=job.created_at)

            class Late(AssetService):
                async def open(self, asset: Asset, start: int = 0, end: int | None = None) -> ObjectStream:
                    await world.eraser.erase(job.account_id, job.id)
                    return await super().open(asset, start, end)

            assets = Late(world.stores, world.objects, link_life=timedelta(minutes=1))
            made = b"".join([piece async for piece in BatchExport(world.stores, assets).zip(caller, batch)])

    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == ["outputs.jsonl"]


async def _caller(world: World, lane: LaneTerms) -> Owner:
    account = await world.stores.accounts.get(lane.account_id)
    assert account is not None
    key = ApiKey(
        id=KeyId("key_1"), account_id=account.id, digest="", scopes=OWNERS_SCOPES, created_at=account.created_at
    )
    return Owner(account=account, key=key)


def test_an_unknown_format_is_refused(owner: Caller):
    batch = ended_batch(owner, {})

    assert expect(400, owner.http.get(batch["urls"]["outputs"], params={"format": "rar"}))["errors"]


def _read(caller: Caller, batch: Json, into: bytearray) -> None:
    """Read the ZIP for as long as it comes."""
    with caller.http.stream("GET", batch["urls"]["outputs"], params={"format": "zip"}) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_bytes():
            into += piece
