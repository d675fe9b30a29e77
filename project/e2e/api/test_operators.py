"""Those who run an installation on RabbitMQ: probing its workers, and a tier change while 100 jobs wait."""

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.standstill import freeze, thaw
from testkit.waiting import until

PROBE = "/v1/admin/probe"


@pytest.fixture
def operator(crew: Stack) -> Caller:
    return crew.caller("operator", scopes=frozenset({Scope.ADMIN, Scope.MANAGE, Scope.READ}))


def listed(operator: Caller) -> list[Json]:
    found: list[Json] = expect(200, operator.http.get("/v1/admin/workers", params={"state": "ready"}))["items"]
    return found


def test_a_probe_goes_over_rabbitmq_to_a_worker_that_is_busy_and_back(crew: Stack, operator: Caller):
    job_id = crew.owner.submit(seconds=60)["id"]
    crew.owner.wait(job_id, "processing")

    probe = expect(200, operator.http.post(PROBE, json={"message": "still there?", "timeout_seconds": 10}))

    assert {answer["worker_id"] for answer in probe["answers"]} <= {worker["id"] for worker in listed(operator)}
    assert probe["answers"][0]["round_trip_ms"] > 0
    crew.owner.cancel(job_id)


def test_a_worker_that_is_frozen_does_not_answer(crew: Stack, operator: Caller):
    until(lambda: listed(operator))
    for worker in crew.workers:
        freeze(worker)
    try:
        refused = expect(504, operator.http.post(PROBE, json={"timeout_seconds": 0.5}))
    finally:
        for worker in crew.workers:
            thaw(worker)

    assert refused["code"] == "nobody_answered"
    until(lambda: operator.http.post(PROBE, json={"timeout_seconds": 1}).status_code == 200)


def test_a_tier_change_while_100_jobs_wait_takes_effect_at_the_next_claim(crew: Stack, operator: Caller):
    crew.start_worker(concurrency=6)
    until(lambda: sum(worker["concurrency"] for worker in listed(operator)) >= 6)
    studio = crew.caller("studio")
    (account,) = expect(200, operator.http.get("/v1/admin/accounts", params={"name": "studio"}))["items"]
    address = f"/v1/admin/accounts/{account['id']}"
    expect(200, studio.http.post("/v1/account/queue/pause"))
    items = [{"input": {"seconds": 60, "seed": number}} for number in range(100)]
    body = {"items": items, "defaults": {"model": "testkit/noop"}}
    batch = expect(202, studio.http.post("/v1/batches", json=body))["id"]

    def processing() -> int:
        found = expect(200, studio.http.get(f"/v1/batches/{batch}"))["counts"]
        return int(found["processing"])

    expect(200, operator.http.patch(address, json={"tier": "developer"}))
    expect(200, studio.http.post("/v1/account/queue/resume"))
    until(lambda: processing() == 3)
    waiting = expect(200, studio.http.get("/v1/jobs", params={"batch_id": batch, "status": "queued"}))["items"][0]
    reason = expect(200, studio.http.get(f"/v1/jobs/{waiting['id']}/explain"))["reasons"][0]
    assert (reason["code"], reason["facts"]["limit"]) == ("concurrency_limit", 3)

    expect(200, operator.http.patch(address, json={"tier": "enterprise"}))

    until(lambda: processing() >= 6)
    expect(200, studio.http.post(f"/v1/batches/{batch}/cancel"))
    until(lambda: expect(200, studio.http.get(f"/v1/batches/{batch}"))["is_terminal"])
