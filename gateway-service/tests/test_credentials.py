"""How a key may come with a request, and what the log says when it is refused."""

import json
import re

import pytest

from reelwork.domain.account import format_key, new_secret
from reelwork.domain.ids import KeyId
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

JOBS = "/v1/jobs"


@pytest.fixture(scope="module")
def other(stack: Stack) -> Caller:
    return stack.caller("other-key")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_a_key_comes_as_bearer(nobody: Caller, owner: Caller, scheme: str):
    expect(200, nobody.http.get(JOBS, headers={"Authorization": f"{scheme} {owner.key}"}))


def test_a_key_comes_in_its_own_header_and_the_same_one_in_both(nobody: Caller, owner: Caller):
    expect(200, nobody.http.get(JOBS, headers={"X-API-Key": owner.key}))
    expect(200, nobody.http.get(JOBS, headers={"X-API-Key": owner.key, "Authorization": f"Bearer {owner.key}"}))


def test_two_different_keys_are_refused(nobody: Caller, owner: Caller, other: Caller):
    both = {"X-API-Key": owner.key, "Authorization": f"Bearer {other.key}"}

    refused = expect(400, nobody.http.get(JOBS, headers=both))

    assert refused["errors"][0]["pointer"] == "header:x-api-key"
    assert owner.key not in json.dumps(refused)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_header_that_stands_twice_is_refused(nobody: Caller, owner: Caller, header: str):
    value = f"Bearer {owner.key}" if header == "Authorization" else owner.key

    refused = expect(400, nobody.http.get(JOBS, headers=[(header, value), (header, value)]))

    assert refused["errors"][0]["pointer"] == f"header:{header.lower()}"


@pytest.mark.parametrize("name", ["api_key", "API_KEY", "access_token", "token", "x-api-key", "anything"])
def test_a_key_in_the_address_is_refused_even_beside_a_right_one(owner: Caller, name: str):
    refused = expect(400, owner.http.get(JOBS, params={name: owner.key}))

    assert refused["errors"][0]["code"] == "key_in_address"
    assert owner.key not in json.dumps(refused)


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dXNlcjpwYXNz", "Digest x", "rw_"])
def test_what_shows_no_key_wants_one(nobody: Caller, value: str):
    answer = nobody.http.get(JOBS, headers={"Authorization": value})

    assert expect(401, answer)["code"] == "missing_credentials"
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("change", ["last", "secret", "id", "checksum", "half"])
def test_a_key_that_is_not_quite_right_is_not_valid(nobody: Caller, owner: Caller, change: str):
    _, key_id, secret = owner.key.split("_")
    wrong = {
        "last": owner.key[:-1] + ("a" if owner.key[-1] != "a" else "b"),
        "secret": format_key(KeyId(f"key_{key_id}"), new_secret()),
        "id": format_key(KeyId(f"key_{'0' * 26}"), secret[:43]),
        "checksum": f"rw_{key_id}_{secret[:43]}{'0' * 6}",
        "half": owner.key[: len(owner.key) // 2],
    }[change]

    assert expect(401, nobody.http.get(JOBS, headers={"X-API-Key": wrong}))["code"] == "invalid_api_key"


def test_a_mistyped_key_costs_no_look_up(stack: Stack, nobody: Caller, owner: Caller):
    mistyped = owner.key[:-1] + ("a" if owner.key[-1] != "a" else "b")
    with stack.documents() as database:
        database.command("profile", 2)
        for _ in range(5):
            expect(401, nobody.http.get(JOBS, headers={"X-API-Key": mistyped}))
        database.command("profile", 0)
        looked = database["system.profile"].count_documents({"ns": f"{database.name}.keys", "command.find": "keys"})
        database["system.profile"].drop()

    assert looked == 0


def test_a_suspended_account_is_shut_out(stack: Stack):
    caller = stack.caller("suspended")
    with stack.documents() as database:
        database["accounts"].update_one({"name": "suspended"}, {"$currentDate": {"suspended_at": True}})

    refused = expect(403, caller.http.get(JOBS))

    assert refused["code"] == "account_suspended"


def test_refusals_and_denials_are_logged_with_key_address_and_request(stack: Stack, owner: Caller, nobody: Caller):
    _, key_id, _ = owner.key.split("_")
    wrong = format_key(KeyId(f"key_{key_id}"), new_secret())
    nobody.http.get(JOBS, headers={"X-API-Key": wrong, "X-Request-ID": "refused-1"})
    owner.http.get("/v1/admin/workers", headers={"X-Request-ID": "denied-1"})

    lines = {line["request_id"]: line for line in _logged(stack) if line.get("event", "").startswith("auth.")}

    refused, denied = lines["refused-1"], lines["denied-1"]
    assert (refused["event"], refused["key_id"], refused["address"]) == ("auth.refused", f"key_{key_id}", "127.0.0.1")
    assert (denied["event"], denied["scope"], denied["address"]) == ("auth.denied", "admin", "127.0.0.1")
    assert denied["account_id"].startswith("acct_")


def test_no_key_is_ever_logged(stack: Stack, owner: Caller):
    expect(200, owner.http.get(JOBS))

    assert not re.search(r"rw_[0-9a-z]+_[0-9A-Za-z]{43}", json.dumps(_logged(stack)))


def _logged(stack: Stack) -> list[Json]:
    return [json.loads(line) for line in stack.gateway.log.read_text().splitlines() if line.startswith("{")]
