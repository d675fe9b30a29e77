"""Spend caps over HTTP: of a key, of those that take its place, and of a whole account."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from testkit.caller import Caller, Json, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

PRICES = {
    "testkit/noop": {"base": "0.1", "amount": "0.01", "unit": "second", "by": ["seconds"]},
    "builtin/kalman": {"base": "0.1"},
}
REFUSED = (402, "spend_cap_reached")


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), prices=json.dumps(PRICES)) as running:
        yield running


def rich(stack: Stack, name: str) -> Caller:
    """A new account with more credit than it may spend here."""
    caller = stack.caller(name)
    stack.credit(name, "10")
    return caller


def capped(stack: Stack, by: Caller, cap: str) -> tuple[Caller, str]:
    """A caller with a new key that has this cap, and the key's id."""
    made = expect(201, by.http.post("/v1/keys", json={"name": "capped", "preset": "operator", "spend_cap": cap}))
    return stack.with_key(made["key"]), made["id"]


def submit(caller: Caller) -> tuple[int, str | None]:
    """A job for 0.1000: the answer's status, and the code of a refusal."""
    answer = caller.http.post("/v1/jobs", json={"model": "testkit/noop", "input": {}, "cache": "off"})
    return answer.status_code, answer.json().get("code")


def quota(caller: Caller) -> Json:
    return expect(200, caller.http.get("/v1/account/quota"))


def test_a_key_spends_its_cap_and_no_more_while_others_go_on(stack: Stack):
    owner = rich(stack, "capped key")
    key, _ = capped(stack, owner, "0.35")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: submit(key), range(8)))

    assert sorted(answers, key=str) == [(202, None)] * 3 + [REFUSED] * 5
    told = quota(key)
    assert told["spend_cap"] == {"currency": "USD", "limit": "0.3500", "spent": "0.3000", "remaining": "0.0500"}
    assert told["account_spend_cap"] is None
    assert submit(owner) == (202, None)


def test_a_key_that_takes_the_place_of_another_goes_on_with_its_count(stack: Stack):
    owner = rich(stack, "rotated")
    old, key_id = capped(stack, owner, "0.25")
    assert submit(old) == (202, None)

    rotated = expect(200, owner.http.post(f"/v1/keys/{key_id}/rotate"))
    new = stack.with_key(rotated["new"]["key"])

    assert submit(new) == (202, None)
    assert [submit(new), submit(old)] == [REFUSED, REFUSED]
    assert quota(new)["spend_cap"]["spent"] == quota(old)["spend_cap"]["spent"] == "0.2000"
    again = expect(200, owner.http.post(f"/v1/keys/{rotated['new']['id']}/rotate"))
    assert submit(stack.with_key(again["new"]["key"])) == REFUSED


def test_a_cap_of_the_account_holds_for_all_its_keys_together(stack: Stack):
    owner = rich(stack, "capped account")
    other = stack.caller("capped account")
    expect(200, owner.http.patch("/v1/account", json={"spend_cap": "0.25"}))

    accepted = [submit(owner), submit(other)]

    assert accepted == [(202, None), (202, None)]
    assert [submit(owner), submit(other)] == [REFUSED, REFUSED]
    told = quota(owner)
    assert told["account_spend_cap"] == {
        "currency": "USD",
        "limit": "0.2500",
        "spent": "0.2000",
        "remaining": "0.0500",
    }
    assert told["spend_cap"] is None
    expect(200, owner.http.patch("/v1/account", json={"spend_cap": None}))
    assert submit(other) == (202, None)


def test_a_job_that_costs_nothing_in_the_end_gives_room_back(stack: Stack):
    owner = rich(stack, "gives back")
    expect(200, owner.http.patch("/v1/account", json={"spend_cap": "0.50"}))
    body = {"model": "testkit/noop", "input": {"seconds": 30}, "cache": "off"}
    job = expect(202, owner.http.post("/v1/jobs", json=body))
    assert submit(owner) == (202, None)
    assert submit(owner) == REFUSED

    owner.cancel(job["id"])
    owner.wait(job["id"], "cancelled")

    until(lambda: submit(owner) == (202, None))


def test_a_key_with_a_cap_does_not_change_the_accounts(stack: Stack):
    owner = rich(stack, "bounded")
    key, _ = capped(stack, owner, "0.25")

    refused = expect(403, key.http.patch("/v1/account", json={"spend_cap": None}))

    assert refused["code"] == "permission_denied"


def test_where_a_job_cannot_be_paid_no_points_are_saved_for_it(stack: Stack):
    poor = stack.caller("poor")
    stack.credit("poor", "0.2")
    body = {"save": True, "unique_identifier": "series"}

    answers = [poor.http.post("/api/v1/poor/kalman", json=body | {"results": [1.0, float(n)]}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert expect(200, poor.http.get("/v1/series"))["items"][0]["length"] == 4
