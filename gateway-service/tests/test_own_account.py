"""GET and PATCH /v1/account: the plan in numbers, and the defaults of new jobs."""

from datetime import timedelta

import pytest

from gateway.auth import CACHE_SECONDS
from reelwork.domain.account import Scope
from reelwork.domain.tier import PLANS, Tier
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

HOUR, DAY = 3600, 86400


def change(caller: Caller, **retention: object) -> Json:
    return expect(200, caller.http.patch("/v1/account", json={"retention": retention}))


def test_an_account_tells_its_plan_in_numbers(stack: Stack):
    caller = stack.caller("studio of numbers", tier=Tier.PRO)

    account = expect(200, caller.http.get("/v1/account"))

    plan = PLANS[Tier.PRO]
    assert (account["name"], account["tier"], account["suspended"]) == ("studio of numbers", "pro", False)
    assert account["id"].startswith("acct_")
    assert account["retention"] == {"input_seconds": None, "output_seconds": None}
    assert account["plan"] == {
        "weight": plan.weight,
        "concurrent_jobs": plan.concurrent_jobs,
        "requests_per_minute": 10_000_000,  # as the stack has it
        "jobs_per_day": plan.jobs_per_day,
        "max_duration_seconds": plan.max_duration_seconds,
        "batch_items": plan.batch_items,
    }


def test_what_a_change_does_not_name_stays(stack: Stack):
    caller = stack.caller("keeper")

    both = change(caller, input_seconds=HOUR, output_seconds=DAY)
    one = change(caller, output_seconds=HOUR)
    none = expect(200, caller.http.patch("/v1/account", json={}))
    back = change(caller, input_seconds=None)

    assert both["retention"] == {"input_seconds": HOUR, "output_seconds": DAY}
    assert one["retention"] == none["retention"] == {"input_seconds": HOUR, "output_seconds": HOUR}
    assert back["retention"] == {"input_seconds": None, "output_seconds": HOUR}
    assert expect(200, caller.http.get("/v1/account")) == back


@pytest.mark.slow
def test_new_jobs_follow_the_defaults_of_their_account(stack: Stack):
    caller = stack.caller("follower")
    assert caller.wait(caller.submit()["id"])["expires_at"] is None

    change(caller, output_seconds=DAY)

    until(lambda: caller.wait(caller.submit()["id"])["expires_at"], within=timedelta(seconds=CACHE_SECONDS * 4))


def test_a_spend_cap_is_set_changed_and_taken_away_and_all_of_it_is_recorded(stack: Stack):
    caller = stack.caller("thrifty owner")

    told = [
        expect(200, caller.http.patch("/v1/account", json=body))["spend_cap"]
        for body in ({"spend_cap": "10"}, {"spend_cap": "10.00"}, {}, {"spend_cap": "2.5"}, {"spend_cap": None})
    ]

    assert told == ["10.0000", "10.0000", "10.0000", "2.5000", None]
    recorded = expect(200, caller.http.get("/v1/audit?verify=true"))
    assert [(entry["action"], entry["details"]) for entry in recorded["items"]] == [
        ("account.changed", {"spend_cap": "2.5000 -> none"}),
        ("account.changed", {"spend_cap": "10.0000 -> 2.5000"}),
        ("account.changed", {"spend_cap": "none -> 10.0000"}),
    ]
    assert recorded["items"][0]["actor"]["kind"] == "key"
    assert recorded["verification"]["holds"]


def test_what_is_kept_is_recorded_too(stack: Stack):
    caller = stack.caller("recorded keeper")

    change(caller, input_seconds=HOUR, output_seconds=DAY)

    (entry,) = expect(200, caller.http.get("/v1/audit"))["items"]
    assert entry["details"] == {
        "retention.input_seconds": f"none -> {HOUR}",
        "retention.output_seconds": f"none -> {DAY}",
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tier": "enterprise"}, "#/tier"),
        ({"spend_cap": "-1"}, "#/spend_cap"),
        ({"spend_cap": 10}, "#/spend_cap"),
        ({"spend_cap": "1.23456"}, "#/spend_cap"),
        ({"id": "acct_other"}, "#/id"),
        ({"plan": {"jobs_per_day": None}}, "#/plan"),
        ({"suspended": False}, "#/suspended"),
        ({"retention": None}, "#/retention"),
        ({"retention": {"output_seconds": 59}}, "#/retention/output_seconds"),
        ({"retention": {"output_seconds": "3600"}}, "#/retention/output_seconds"),
        ({"retention": {"$inc": 1}}, "#/retention/$inc"),
    ],
)
def test_an_owner_changes_nothing_else(owner: Caller, body: Json, pointer: str):
    before = expect(200, owner.http.get("/v1/account"))

    problem = expect(422, owner.http.patch("/v1/account", json=body))

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert expect(200, owner.http.get("/v1/account")) == before


def test_reading_and_changing_want_a_scope_each(stack: Stack, nobody: Caller):
    reader = stack.caller("owner", scopes=frozenset({Scope.READ}))
    writer = stack.caller("owner", scopes=frozenset({Scope.SUBMIT}))

    assert expect(403, writer.http.get("/v1/account"))["code"] == "scope_missing"
    assert expect(403, reader.http.patch("/v1/account", json={}))["code"] == "scope_missing"
    assert expect(401, nobody.http.get("/v1/account"))["code"] == "missing_credentials"
    assert expect(200, reader.http.get("/v1/account"))["name"] == "owner"
