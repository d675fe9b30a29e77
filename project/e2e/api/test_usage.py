"""Gateways die while usage is counted, by events over RabbitMQ or by deltas in Valkey: what jobs did counts once."""

from collections.abc import Iterator

import pytest

from testkit.caller import Caller, Json, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

JOBS = 8


@pytest.fixture(scope="module", params=["events", "delta"])
def counting(request: pytest.FixtureRequest, mongo_url: str, s3: S3Service, amqp_url: str) -> Iterator[Stack]:
    if request.param == "events":
        yield request.getfixturevalue("distributed")
        return
    servers, redis_url = Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url), request.getfixturevalue("valkey_url")
    with running_stack(servers, usage_sync="delta", redis_url=redis_url) as running:
        yield running


def counted(caller: Caller) -> Json:
    total: Json = expect(200, caller.http.get("/v1/account/usage"))["total"]
    return total


def test_gateways_that_are_killed_lose_no_job_and_count_none_twice(counting: Stack):
    caller, rounds = counting.caller("counted"), 3
    for _ in range(rounds):
        jobs = [caller.submit()["id"] for _ in range(JOBS)]
        caller.wait(jobs[0])
        counting.gateway.kill()
        counting.gateway.start()
        for job in jobs:
            caller.wait(job)

    until(lambda: counted(caller)["jobs_completed"] >= rounds * JOBS)
    late = caller.submit()["id"]
    caller.wait(late)
    until(lambda: counted(caller)["jobs_completed"] > rounds * JOBS)

    total = counted(caller)
    assert (total["jobs_submitted"], total["jobs_completed"]) == (rounds * JOBS + 1, rounds * JOBS + 1)
