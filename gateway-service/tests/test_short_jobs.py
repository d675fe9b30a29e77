"""Short work with numbers is done by the gateway while its caller waits; the jobs are like any other."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gateway.services import short_jobs
from gateway.services.short_jobs import ShortJobs
from reelwork.domain.job import Job, Status
from reelwork.domain.lane import LaneTerms
from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.services import fresh_database
from testkit.stack import Stack
from testkit.world import World, new_job, open_world

VALUES = [1.1, 1.3, 0.9, None, 1.6, 2.0]
ANSWERS = {"model": "builtin/panas", "input": {"answers": [3] * 20}}


def kalman(**values: object) -> Json:
    return {"model": "builtin/kalman", "input": {"values": VALUES, **values}}


def post(caller: Caller, body: object, *, prefer: str = "wait=30", status: int = 201, **headers: str) -> Json:
    return expect(status, caller.http.post("/v1/jobs", json=body, headers={"Prefer": prefer, **headers}))


def in_gateway(job: Json) -> bool:
    """Whether its last attempt was the gateway's own."""
    return job["attempts"][-1]["worker"].startswith("gateway:")


def result(caller: Caller, job: Json) -> Json:
    return json.loads(caller.content(job["outputs"][0]["asset_id"]))


@pytest.fixture(scope="module")
def analyst(stack: Stack) -> Caller:
    """The owner of an account whose ledger and queue nobody else touches."""
    return stack.caller("analyst", tier=Tier.PRO)


@pytest.mark.parametrize("body", [kalman(), ANSWERS])
def test_who_waits_for_short_work_gets_it_from_the_gateway(owner: Caller, body: Json):
    job = post(owner, body)

    assert (job["status"], job["attempt"], in_gateway(job)) == ("completed", 1, True)
    assert [event["type"] for event in owner.events(job["id"])] == ["job.queued", "job.processing", "job.completed"]
    assert result(owner, job)


def test_who_does_not_wait_gets_the_same_bytes_from_a_worker(owner: Caller):
    here = post(owner, {**kalman(), "cache": "off"})

    there = owner.wait(post(owner, {**kalman(), "cache": "off"}, prefer="respond-async", status=202)["id"])

    assert not in_gateway(there)
    assert there["outputs"][0]["sha256"] == here["outputs"][0]["sha256"]


@pytest.mark.parametrize("body", [kalman(values=[0.5] * 10_001), kalman(values=[0.5] * 2_001, model="trend")])
def test_longer_work_is_queued(owner: Caller, body: Json):
    job = post(owner, body)

    assert (job["status"], in_gateway(job)) == ("completed", False)


def test_it_is_counted_and_charged_once(analyst: Caller):
    before = expect(200, analyst.http.get("/v1/account/quota"))

    job = post(analyst, kalman(band=0.5), **{"Idempotency-Key": "once"})
    again = post(analyst, kalman(band=0.5), **{"Idempotency-Key": "once"})

    after = expect(200, analyst.http.get("/v1/account/quota"))
    assert again == job
    assert after["daily_quota"]["used"] - before["daily_quota"]["used"] == 1


def test_the_second_time_the_cache_answers(owner: Caller):
    first = post(owner, kalman(band=0.6))

    second = post(owner, kalman(band=0.6))

    assert second["cache"] == {"hit": True, "source_job_id": first["id"]}
    assert second["attempts"] == []


def test_what_only_the_numbers_show_fails_the_job_with_the_field(owner: Caller):
    job = post(owner, kalman(values=[None, None]))

    assert (job["status"], job["error"]["code"], in_gateway(job)) == ("failed", "invalid_input", True)
    assert "value" in job["error"]["message"]


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"values": None}, "#/input"),
        ({"values": [1.0], "series": f"ser_{'0' * 26}"}, "#/input"),
        ({"band": 2}, "#/input/band"),
        ({"values": ["a"]}, "#/input/values/0"),
        ({"model": "other"}, "#/input/model"),
    ],
)
def test_what_is_wrong_with_the_input_is_said_before_a_job_is_made(owner: Caller, values: Json, pointer: str):
    problem = post(owner, kalman(**values), status=422)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert problem["errors"][0]["detail"] == "Give exactly one of values, file, series." or pointer != "#/input"


def test_a_paused_queue_lets_none_pass(analyst: Caller):
    expect(200, analyst.http.post("/v1/account/queue/pause"))

    job = post(analyst, kalman(band=0.7), prefer="wait=1", status=202)

    expect(200, analyst.http.post("/v1/account/queue/resume"))
    done = analyst.wait(job["id"])
    assert (job["status"], done["status"], in_gateway(done)) == ("queued", "completed", False)


@pytest.fixture
async def world(mongo_url: str) -> AsyncIterator[World]:
    """An engine of its own, and no S3."""
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as opened:
            yield opened


async def begun(world: World, **fields: object) -> tuple[ShortJobs, Job, LaneTerms]:
    mine = await world.joined()
    job = new_job(mine, **fields)
    await world.stores.jobs.insert(job)
    return ShortJobs(world.engine, world.objects, world.sweeper, world.opener), job, mine


async def is_waiting_again(world: World, job: Job, mine: LaneTerms) -> bool:
    """It is as if nobody had tried, and a worker is told."""
    left, lane = await world.read(job), await world.lane(mine.id)
    return (left.status, left.attempt, lane["slots"]) == (Status.QUEUED, 0, []) and await world.tickets() > 0


async def test_without_s3_the_job_is_left_to_a_worker(world: World):
    short, job, mine = await begun(world, model="builtin/panas", input=ANSWERS["input"])

    await short.run(job, mine, within=60)

    assert await is_waiting_again(world, job, mine)


async def test_a_gateway_that_ends_hands_back_what_it_runs(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(short_jobs, "LEAVING_SECONDS", 0.0)
    values = [float(place * 7919 % 1000) for place in range(10_000)]
    short, job, mine = await begun(world, model="builtin/kalman", input={"values": values, "model": "trend"})
    await short.run(job, mine, within=0)
    while (await world.read(job)).status is not Status.PROCESSING:  # noqa: ASYNC110  (a status has no event)
        await asyncio.sleep(0.005)

    await short.finish()

    assert await is_waiting_again(world, job, mine)
