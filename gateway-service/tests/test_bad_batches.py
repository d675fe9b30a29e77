"""Bad batches: atomic ones leave nothing, partial ones take what is valid and tell the rest by its place."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

NOOP = "testkit/noop"
LATER = (datetime.now(UTC) + timedelta(days=300)).isoformat()
GOOD = {"model": NOOP, "not_before": LATER}  # it never runs: what is stored does not change behind the test
LONGEST_ANSWER = 16_000  # bytes: however large the question
FAULTS = [
    ({"model": NOOP, "input": {"seconds": -1}}, "#/items/1/input/seconds", "invalid_input"),
    ({"model": NOOP, "input": {"nonsense": 1}}, "#/items/1/input/nonsense", "invalid_input"),
    ({"model": "nobody/nothing"}, "#/items/1/model", "model_not_found"),
    ({"input": {}}, "#/items/1/model", "invalid_input"),
    ({"model": NOOP, "priority": "now"}, "#/items/1/priority", "invalid_input"),
    ({"model": NOOP, "colour": 1}, "#/items/1/colour", "invalid_input"),
    ({"model": NOOP, "run_timeout_seconds": 80000}, "#/items/1/run_timeout_seconds", "invalid_input"),
    ({"model": "builtin/camera-move", "input": {"image": "asset_x"}}, "#/items/1/input/image", "invalid_input"),
    ("a job", "#/items/1", "invalid_input"),
    (None, "#/items/1", "invalid_input"),
]


@pytest.mark.parametrize(("item", "pointer", "code"), FAULTS)
def test_one_bad_item_refuses_an_atomic_batch_and_is_named(
    stack: Stack, owner: Caller, item: object, pointer: str, code: str
):
    before = stack.stored().jobs

    problem = expect(422, owner.http.post("/v1/batches", json={"items": [GOOD, item, GOOD]}))

    assert (problem["code"], problem["errors"][0]["pointer"]) == ("invalid_input", pointer)
    assert stack.stored().jobs == before


@pytest.mark.parametrize(("item", "pointer", "code"), FAULTS)
def test_a_partial_batch_takes_the_others_and_tells_which_it_did_not(
    owner: Caller, item: object, pointer: str, code: str
):
    batch = expect(202, owner.http.post("/v1/batches", json={"items": [GOOD, item, GOOD], "mode": "partial"}))

    (rejected,) = batch["rejected"]
    assert (rejected["index"], rejected["code"], rejected["errors"][0]["pointer"]) == (1, code, pointer)
    assert [job is not None for job in batch["job_ids"]] == [True, False, True]
    assert (batch["counts"]["total"], batch["counts"]["rejected"]) == (2, 1)


def test_a_partial_batch_without_any_valid_item_is_refused(stack: Stack, owner: Caller):
    before = stack.stored().jobs

    problem = expect(422, owner.http.post("/v1/batches", json={"items": [{}, {}], "mode": "partial"}))

    assert [fault["pointer"] for fault in problem["errors"]] == ["#/items/0/model", "#/items/1/model"]
    assert stack.stored().jobs == before


def test_however_many_items_are_bad_the_answer_is_short(owner: Caller):
    many = [{"model": NOOP, "input": {f"{'x' * 900}{n}": 1}} for n in range(1000)]

    answer = owner.http.post("/v1/batches", json={"items": many})

    assert len(expect(422, answer)["errors"]) == 20
    assert answer.json()["detail"].startswith("1000 of 1000 items")
    assert len(answer.content) < LONGEST_ANSWER


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/items"),
        ({"items": []}, "#/items"),
        ({"items": "all"}, "#/items"),
        ({"items": [GOOD], "mode": "some"}, "#/mode"),
        ({"items": [GOOD], "name": ""}, "#/name"),
        ({"items": [GOOD], "tags": ["x" * 65]}, "#/tags/0"),
        ({"items": [GOOD], "other": 1}, "#/other"),
        ({"items": [GOOD], "defaults": {"priority": "now"}}, "#/defaults/priority"),
        ({"items": [GOOD], "defaults": {"colour": "red"}}, "#/defaults/colour"),
        ({"items": [GOOD], "defaults": {"model": 3}}, "#/defaults/model"),
        ({"items": [GOOD], "defaults": [1]}, "#/defaults"),
    ],
)
def test_what_is_wrong_with_the_batch_itself_is_named(owner: Caller, body: object, pointer: str):
    problem = expect(422, owner.http.post("/v1/batches", json=body))

    assert problem["errors"][0]["pointer"] == pointer


def test_a_batch_may_be_eight_times_as_large_as_a_job_and_no_larger(owner: Caller):
    large = {"items": [GOOD | {"metadata": {"text": "x" * 500}} for _ in range(10)], "metadata": {}}
    padding = json.dumps(large)

    accepted = _post(owner, padding + " " * (7 * 1024 * 1024))
    refused = _post(owner, padding + " " * (8 * 1024 * 1024))

    assert accepted == 202
    assert refused == 413


@pytest.mark.parametrize("path", ["/v1/batches/batch_x", "/v1/batches/batch_x/outputs"])
def test_an_unknown_batch_is_not_found(owner: Caller, path: str):
    assert expect(404, owner.http.get(path))["code"] == "batch_not_found"


def test_what_a_key_may_do_to_batches_depends_on_its_scopes(stack: Stack):
    reader = stack.caller("scopes", scopes=frozenset({Scope.READ}))
    sender = stack.caller("scopes", scopes=frozenset({Scope.SUBMIT}))

    batch = expect(202, sender.http.post("/v1/batches", json={"items": [GOOD]}))

    assert expect(403, reader.http.post("/v1/batches", json={"items": [GOOD]}))["code"] == "scope_missing"
    assert expect(403, sender.http.get("/v1/batches"))["code"] == "scope_missing"
    for caller in (reader, sender):
        assert caller.http.post(batch["urls"]["cancel"]).status_code == 403
        assert caller.http.post(batch["urls"]["retry_failed"]).status_code == 403
        assert caller.http.post("/v1/jobs/bulk", json={"action": "cancel", "ids": ["x"]}).status_code == 403


def _post(caller: Caller, body: str) -> int:
    headers = {"Content-Type": "application/json"}
    return caller.http.post("/v1/batches", content=body, headers=headers).status_code
