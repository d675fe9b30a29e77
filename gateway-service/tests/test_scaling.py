"""GET /v1/scaling: what autoscalers go by."""

import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Caller:
    return stack.caller("scaler", scopes=frozenset({Scope.ADMIN}))


def load(operator: Caller, pool: str = "cpu") -> Json:
    found: Json = expect(200, operator.http.get("/v1/scaling"))["pools"][pool]
    return found


def test_what_waits_is_counted_by_plan_and_model_and_asks_for_workers(stack: Stack, operator: Caller):
    queue, small = "/v1/admin/queues/cpu", stack.caller("small shop", tier=Tier.DEVELOPER)
    expect(200, operator.http.patch(queue, json={"held": True}))
    try:
        jobs = [(caller, caller.submit()["id"]) for caller in (stack.owner, stack.owner, small)]
        until(lambda: load(operator)["queued"] == 3)

        seen = expect(200, operator.http.get("/v1/scaling"))

        cpu = seen["pools"]["cpu"]
        assert (cpu["held"], cpu["per_tier"], cpu["desired_workers"]) == (True, {"enterprise": 2, "developer": 1}, 0)
        assert cpu["oldest_seconds"] >= 0
        assert (seen["models"]["testkit/noop"]["queued"], seen["models"]["testkit/noop"]["running"]) == (3, 0)
    finally:
        expect(200, operator.http.patch(queue, json={"held": False}))
    for caller, job in jobs:
        caller.wait(job, "completed")
    until(lambda: load(operator)["queued"] == 0)


def test_it_is_for_administrators(stack: Stack):
    assert expect(403, stack.owner.http.get("/v1/scaling"))["code"] == "scope_missing"
