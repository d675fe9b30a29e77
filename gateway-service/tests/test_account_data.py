"""An account's data out in one ZIP, and what another account takes of it: the same numbers, or nothing at all."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gateway.account_export import LIFE_SECONDS, AccountExport, TookTooLong
from gateway.services.zip_stream import ZipStream
from testkit.archives import changed, export, lines, opened, series_of, take
from testkit.caller import Caller, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

_NOON = datetime(2020, 11, 22, 12, tzinfo=UTC)
ODD_NAME = '../../etc/pässwd: "x" 系列'
ROWS = {"plain": [1.0, None, -2.5e-7], "pairs": [[0.1, None], [1e100, -3.0]], ODD_NAME: [7.0], "empty": []}


@pytest.fixture(scope="module")
def rich(stack: Stack) -> Caller:
    """An account with something of every kind."""
    caller = stack.caller("rich")
    stack.credit("rich", "5")
    caller.wait(caller.submit(job={"tags": ["exported"]})["id"])
    batch = expect(202, caller.http.post("/v1/batches", json={"name": "b", "items": [{"model": "testkit/noop"}]}))
    caller.wait(batch["job_ids"][0])
    for name, rows in ROWS.items():
        body = {"name": name, "observables": 2 if name == "pairs" else 1, "values": rows}
        expect(201, caller.http.post("/v1/series", json=body))
    expect(200, caller.http.patch("/v1/account", json={"retention": {"output_seconds": 86400}}))
    expect(201, caller.http.post("/v1/keys", json={"name": "second", "preset": "observer"}))
    expect(201, caller.http.post("/v1/webhooks", json={"url": "https://[2606:4700::1111]/hook"}))
    return caller


@pytest.fixture(scope="module")
def exported(rich: Caller) -> bytes:
    return export(rich)


@pytest.fixture
def taker(stack: Stack, numbers) -> Caller:
    return stack.caller(f"taker {next(numbers)}")


class TestExport:
    def test_it_holds_everything_and_its_manifest_counts_it(self, rich: Caller, exported: bytes):
        manifest = json.loads(opened(exported).read("manifest.json"))

        assert opened(exported).testzip() is None
        assert (manifest["format"], manifest["version"]) == ("reelwork-account", 1)
        assert manifest["account_id"] == expect(200, rich.http.get("/v1/account"))["id"]
        counts = {name: len(lines(exported, f"{name}.jsonl")) for name in manifest["counts"]}
        assert manifest["counts"] == counts
        assert {name: counts[name] for name in ("jobs", "batches", "series", "webhooks", "keys")} == {
            "jobs": 2,
            "batches": 1,
            "series": 4,
            "webhooks": 1,
            "keys": 2,
        }
        assert counts["ledger"] > 0
        assert counts["assets"] > 0

    def test_its_lines_are_what_the_api_answers(self, rich: Caller, exported: bytes):
        jobs = expect(200, rich.http.get("/v1/jobs"))["items"]
        assets = expect(200, rich.http.get("/v1/assets"))["items"]

        assert lines(exported, "jobs.jsonl") == jobs
        assert lines(exported, "assets.jsonl") == assets
        assert json.loads(opened(exported).read("account.json"))["retention"]["output_seconds"] == 86400
        assert json.loads(opened(exported).read("usage.json"))["daily"]["total"]["jobs_submitted"] >= 0
        assert rich.content(assets[0]["url"].split("/")[3])

    def test_series_are_csv_files_that_their_lines_name(self, exported: bytes):
        for line in lines(exported, "series.jsonl"):
            header, *rows = csv.reader(io.StringIO(opened(exported).read(line["file"]).decode()))
            assert len(header) == line["observables"]
            assert len(rows) == line["length"] == len(ROWS[line["name"]])
            assert line["file"].count("/") == 1

    def test_it_holds_no_secret(self, rich: Caller, exported: bytes):
        everything = b"".join(opened(exported).read(name) for name in opened(exported).namelist())

        assert rich.key.encode() not in everything
        assert b"whsec_" not in everything
        assert b"hash" not in b"".join(opened(exported).read(name) for name in ("keys.jsonl", "webhooks.jsonl"))

    def test_it_holds_nothing_of_other_accounts(self, rich: Caller, taker: Caller):
        empty = export(taker)

        counts = json.loads(opened(empty).read("manifest.json"))["counts"]
        assert {name: count for name, count in counts.items() if count} == {"keys": 1}

    def test_whoever_may_not_manage_gets_none(self, stack: Stack, made: Callable[..., Caller]):
        observer = made(preset="observer")

        assert expect(403, observer.http.get("/v1/account/export"))["code"] == "scope_missing"
        assert expect(403, take(observer, b""))["code"] == "scope_missing"

    async def test_one_that_nobody_fetches_ends_in_time(self):
        """The pieces alone, as the server asks for them."""

        class Slow(AccountExport):
            async def _files(self, caller, now):
                async def text():
                    yield b"x" * 100_000

                yield "account.json", text()

        assert LIFE_SECONDS < 3600
        with pytest.raises(TookTooLong):
            [piece async for piece in Slow(None, life_seconds=-1).zip(None)]


async def test_text_of_any_length_passes_in_flat_memory():
    archive, size = ZipStream(), 0

    async def long():
        for number in range(64):
            yield f"{number:07}\n".encode() * 131072

    tracemalloc.start()
    async for piece in archive.text("long", long(), at=_NOON):
        size += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8 * 2**20
    assert 0 < size + len(archive.end()) < 2**20


class TestImport:
    def test_another_account_has_the_same_series_and_defaults_then(self, rich: Caller, exported: bytes, taker: Caller):
        taken = expect(200, take(taker, exported))

        assert series_of(taker) == series_of(rich) == ROWS
        assert {one["id"] for one in taken["series"]}.isdisjoint(line["id"] for line in lines(exported, "series.jsonl"))
        assert taken["retention"]["output_seconds"] == 86400
        assert expect(200, taker.http.get("/v1/account"))["retention"] == taken["retention"]
        assert taken["left_out"]["jobs"] == 2
        assert expect(200, taker.http.get("/v1/jobs"))["items"] == []

    def test_what_it_took_is_exported_again_with_the_same_points(self, exported: bytes, taker: Caller):
        expect(200, take(taker, exported))

        again = export(taker)

        def points(content: bytes) -> dict[str, bytes]:
            return {one["name"]: opened(content).read(one["file"]) for one in lines(content, "series.jsonl")}

        assert points(again) == points(exported)

    def test_a_name_that_is_there_refuses_all_of_it_or_is_skipped(self, exported: bytes, taker: Caller):
        expect(201, taker.http.post("/v1/series", json={"name": "pairs", "values": [5.0]}))

        refused = expect(409, take(taker, exported))
        assert series_of(taker) == {"pairs": [5.0]}
        taken = expect(200, take(taker, exported, existing="skip"))

        assert (refused["code"], "'pairs'" in refused["detail"]) == ("series_exists", True)
        assert taken["skipped"] == ["pairs"]
        assert series_of(taker) == ROWS | {"pairs": [5.0]}

    def test_the_same_request_imports_once(self, exported: bytes, taker: Caller):
        first, second = [take(taker, exported, key="move") for _ in range(2)]
        other = take(taker, changed(exported, usage_json=lambda text: text + b" "), key="move")

        assert second.content == first.content
        assert second.headers["idempotency-replayed"] == "true"
        assert expect(422, other)["code"] == "idempotency_key_mismatch"
        assert len(series_of(taker)) == len(ROWS)

    def test_a_request_that_died_in_the_middle_is_finished_by_the_next(
        self, stack: Stack, exported: bytes, taker: Caller
    ):
        """As it is found then: the key is taken by nobody any more, and some of the series are there."""
        first = expect(200, take(taker, exported, key="died"))
        with stack.documents() as database:
            (record,) = database["idempotency"].find().sort("expires_at", -1).limit(1)
            dead = {"state": "running", "answer": None, "leased_until": _NOON}
            database["idempotency"].update_one({"_id": record["_id"]}, {"$set": dead})
            gone = first["series"][-1]["id"]
            database["series"].delete_one({"_id": gone})
            database["series_points"].delete_many({"series": gone})

        second = expect(200, take(taker, exported, key="died"))

        assert second == first
        assert series_of(taker) == ROWS
