"""Load on purpose, and the way to the workers and back: for operators only."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

SIMULATE, PROBE = "/v1/admin/simulate", "/v1/admin/probe"
NOOP = {"model": "testkit/noop", "input": {}}


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Caller:
    return stack.caller("tester", scopes=frozenset({Scope.ADMIN, Scope.MANAGE}))


def simulated(operator: Caller, body: Json, **requests: int) -> Json:
    return expect(200, operator.http.post(SIMULATE, json={"requests": requests, **body}))


def test_each_tier_is_told_what_was_accepted_and_refused_and_the_jobs_really_run(
    stack: Stack, operator: Caller, owner: Caller
):
    done = simulated(operator, NOOP, free=2, developer=3, enterprise=4)

    tiers = {tier["tier"]: tier for tier in done["tiers"]}
    assert list(tiers) == ["free", "developer", "enterprise"]
    assert (tiers["free"]["accepted"], tiers["free"]["refused"]) == (0, {"insufficient_tier": 2})
    assert [(tier["accepted"], len(set(tier["job_ids"]))) for tier in (tiers["developer"], tiers["enterprise"])] == [
        (3, 3),
        (4, 4),
    ]
    simulation = stack.caller("simulation-developer")
    for job_id in tiers["developer"]["job_ids"]:
        job = simulation.wait(job_id, "completed")
        assert (job["tags"], job["model"]) == (["simulation"], "testkit/noop")
        assert job["expires_at"] is not None
    entries = expect(200, operator.http.get("/v1/audit", params={"installation": True}))["items"]
    assert "simulation.run" in {entry["action"] for entry in entries}


def test_an_input_that_the_model_refuses_is_counted_by_its_code(operator: Caller):
    done = simulated(operator, NOOP | {"input": {"seconds": "long"}}, pro=2)

    assert done["tiers"][0]["refused"] == {"invalid_input": 2}


def test_without_a_model_one_is_taken_that_needs_no_files(operator: Caller):
    done = simulated(operator, {}, pro=1)

    assert done["model"] in {"testkit/noop", "builtin/landscape", "builtin/panas"}
    assert (done["tiers"][0]["accepted"], done["tiers"][0]["refused"]) == (1, {})


def test_one_simulation_runs_at_a_time_and_the_next_one_need_not_wait(operator: Caller):
    with ThreadPoolExecutor(max_workers=4) as threads:
        body = {"requests": {"enterprise": 50}, **NOOP}
        answers = list(threads.map(lambda _: operator.http.post(SIMULATE, json=body), range(4)))

    codes = [answer.status_code for answer in answers]
    assert 200 in codes
    assert set(codes) <= {200, 409}
    simulated(operator, NOOP, pro=1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"requests": {"pro": 51}}, "#/requests/pro"),
        ({"requests": {"pro": -1}}, "#/requests/pro"),
        ({"requests": {"gold": 1}}, "#/requests/gold"),
        ({}, "#/requests"),
    ],
)
def test_a_bad_simulation_is_refused_and_says_where(operator: Caller, body: Json, pointer: str):
    refused = expect(422, operator.http.post(SIMULATE, json=body))

    assert [error["pointer"] for error in refused["errors"]] == [pointer]


def test_a_model_that_is_not_there_is_not_found(operator: Caller):
    body = {"requests": {"pro": 1}, "model": "no/such"}
    assert expect(404, operator.http.post(SIMULATE, json=body))["code"] == "model_not_found"


def test_a_probe_reaches_the_worker_and_comes_back(operator: Caller):
    workers = expect(200, operator.http.get("/v1/admin/workers", params={"state": "ready"}))["items"]

    probe = expect(200, operator.http.post(PROBE, json={"message": "hello", "timeout_seconds": 10}))

    assert probe["message"] == "hello"
    assert [answer["worker_id"] for answer in probe["answers"]] == [worker["id"] for worker in workers]
    assert all(answer["round_trip_ms"] > 0 and answer["pool"] == "cpu" for answer in probe["answers"])
    assert probe["silent"] == []
    assert expect(200, operator.http.post(PROBE))["message"] == "ping"


def test_a_probe_does_not_wait_longer_than_ten_seconds(operator: Caller):
    refused = expect(422, operator.http.post(PROBE, json={"timeout_seconds": 11}))

    assert [error["pointer"] for error in refused["errors"]] == ["#/timeout_seconds"]


@pytest.mark.parametrize("path", [SIMULATE, PROBE])
def test_an_ordinary_key_may_not_try_the_installation(owner: Caller, nobody: Caller, path: str):
    body: Json = {"requests": {}} if path == SIMULATE else {}
    assert expect(403, owner.http.post(path, json=body))["code"] == "scope_missing"
    assert expect(401, nobody.http.post(path, json=body))["code"] == "missing_credentials"
