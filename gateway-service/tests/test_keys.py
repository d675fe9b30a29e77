"""Keys over HTTP: shown once, bound as their maker wants, never more than their maker's own, and gone when revoked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from gateway.account import ensure_key
from reelwork.domain.access import MOST_KEYS
from reelwork.domain.tier import Tier
from reelwork.store.accounts import Accounts
from testkit.caller import Caller, Json, expect
from testkit.credentials import id_of
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.security

KEYS = "/v1/keys"
UNKNOWN = f"key_{'0' * 26}"


def test_a_key_is_shown_once_and_works(keeper: Caller, stack: Stack):
    answer = keeper.http.post(KEYS, json={"name": "ci", "scopes": ["submit", "read"]})
    new = expect(201, answer)
    shown = expect(200, keeper.http.get(answer.headers["location"]))
    used = stack.with_key(new["key"])

    assert answer.headers["cache-control"] == "no-store"
    assert "key" not in shown
    assert new["key"].startswith(shown["prefix"])
    assert (shown["scopes"], shown["state"], shown["spend_cap"]) == (["submit", "read"], "active", None)
    used.submit()
    assert expect(403, used.http.get(KEYS))["code"] == "scope_missing"


def test_no_key_lies_in_the_database_or_in_a_list(keeper: Caller, stack: Stack, made: Callable[..., Caller]):
    secret = made().key.rsplit("_", 1)[1][:43]
    listed = keeper.http.get(KEYS, params={"limit": 100}).text

    with stack.documents() as database:
        everything = [str(document) for name in ("keys", "audit") for document in database[name].find()]

    assert secret not in listed
    assert "digest" not in listed
    assert not any(secret in text for text in everything)


@pytest.mark.parametrize(
    ("preset", "scopes"),
    [("submit_only", ["submit"]), ("observer", ["read"]), ("operator", ["submit", "read", "manage"])],
)
def test_a_preset_is_a_set_of_scopes(keeper: Caller, preset: str, scopes: list[str]):
    assert expect(201, keeper.http.post(KEYS, json={"name": "p", "preset": preset}))["scopes"] == scopes


def test_a_key_is_revoked_at_once_and_stays_so(keeper: Caller, made: Callable[..., Caller]):
    caller = made()
    expect(200, caller.http.get("/v1/jobs"))

    for _ in range(2):
        assert keeper.http.delete(f"{KEYS}/{id_of(caller)}").status_code == 204

    assert expect(401, caller.http.get("/v1/jobs"))["code"] == "invalid_api_key"
    assert expect(200, keeper.http.get(f"{KEYS}/{id_of(caller)}"))["state"] == "revoked"
    assert expect(409, keeper.http.patch(f"{KEYS}/{id_of(caller)}", json={"name": "again"}))["code"] == "invalid_state"


def test_an_expired_key_says_so(keeper: Caller, stack: Stack, made: Callable[..., Caller]):
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    caller = made(expires_at=later)
    with stack.documents() as database:
        database["keys"].update_one({"_id": id_of(caller)}, {"$set": {"expires_at": datetime.now(UTC)}})

    assert expect(401, caller.http.get("/v1/jobs"))["code"] == "expired_token"
    assert expect(200, keeper.http.get(f"{KEYS}/{id_of(caller)}"))["state"] == "expired"
    assert id_of(caller) in {item["id"] for item in keeper.http.get(KEYS, params={"state": "expired"}).json()["items"]}
    assert expect(409, keeper.http.post(f"{KEYS}/{id_of(caller)}/rotate"))["code"] == "invalid_state"


def test_a_key_is_changed_in_what_is_named_and_no_more(keeper: Caller, made: Callable[..., Caller]):
    caller = made(models=["testkit/*"], spend_cap="12.5")
    address = f"{KEYS}/{id_of(caller)}"
    expect(200, caller.http.get("/v1/jobs"))

    changed = expect(200, keeper.http.patch(address, json={"scopes": ["submit"], "models": [], "spend_cap": None}))
    kept = expect(200, keeper.http.patch(address, json={"name": "other"}))

    assert (changed["scopes"], changed["models"], changed["spend_cap"], changed["name"]) == (
        ["submit"],
        [],
        None,
        "made",
    )
    assert kept | {"name": "made"} == changed | {"last_used_at": kept["last_used_at"]}
    assert expect(403, caller.http.get("/v1/jobs"))["code"] == "scope_missing"


def test_a_rotated_key_works_beside_the_new_one_until_it_ends(
    keeper: Caller, stack: Stack, made: Callable[..., Caller]
):
    old = made(models=["testkit/*"], preset="observer")

    rotated = expect(200, keeper.http.post(f"{KEYS}/{id_of(old)}/rotate", json={"overlap_seconds": 3600}))
    new = stack.with_key(rotated["new"]["key"])

    ends = datetime.fromisoformat(rotated["old"]["expires_at"])
    assert timedelta(minutes=59) < ends - datetime.now(UTC) < timedelta(minutes=61)
    assert rotated["old"]["replaced_by"] == rotated["new"]["id"] == id_of(new)
    assert (rotated["new"]["models"], rotated["new"]["scopes"]) == (["testkit/*"], ["read"])
    for caller in (old, new):
        expect(200, caller.http.get("/v1/jobs"))
    again = expect(409, keeper.http.post(f"{KEYS}/{id_of(old)}/rotate"))
    assert again["code"] == "invalid_state"


def test_a_key_that_is_rotated_without_overlap_ends_at_once(keeper: Caller, made: Callable[..., Caller]):
    old = made()

    expect(200, keeper.http.post(f"{KEYS}/{id_of(old)}/rotate", json={"overlap_seconds": 0}))

    until(lambda: old.http.get("/v1/jobs").status_code == 401)
    assert expect(401, old.http.get("/v1/jobs"))["code"] == "expired_token"


def test_an_adopted_key_of_a_replaced_system_is_rotated_into_one_of_ours(stack: Stack):
    foreign = "4a5d8a0e-9d2f-4a61-8f4c-0d4f6a1f7b11"
    stack.on_database(lambda database: ensure_key(Accounts(database), foreign, name="mover", tier=Tier.PRO))
    old = stack.with_key(foreign)
    mine = expect(200, old.http.get(KEYS))["items"][0]["id"]

    rotated = expect(200, old.http.post(f"{KEYS}/{mine}/rotate", json={"overlap_seconds": 0}))
    new = stack.with_key(rotated["new"]["key"])

    assert rotated["new"]["key"].startswith("rw_")
    assert rotated["new"]["scopes"] == rotated["old"]["scopes"]
    assert expect(200, new.http.get("/v1/account"))["name"] == "mover"
    until(lambda: old.http.get("/v1/account").status_code == 401)


def test_of_many_rotations_at_once_one_counts(keeper: Caller, made: Callable[..., Caller]):
    old = made(name="raced")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: keeper.http.post(f"{KEYS}/{id_of(old)}/rotate").status_code, range(8)))

    listed = expect(200, keeper.http.get(KEYS, params={"state": "active", "limit": 100}))["items"]
    assert sorted(answers) == [200] + [409] * 7
    assert len([key for key in listed if key["name"] == "raced"]) == 2


def test_there_are_at_most_so_many_live_keys_however_many_ask_at_once(stack: Stack):
    caller = stack.caller("collector")

    def make(_: int) -> int:
        return caller.http.post(KEYS, json={"name": "one", "preset": "observer"}).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(make, range(MOST_KEYS + 8)))

    assert (answers.count(201), answers.count(409)) == (MOST_KEYS, 8)
    one = expect(200, caller.http.get(KEYS, params={"limit": 1}))["items"][0]
    caller.http.delete(f"{KEYS}/{one['id']}")
    assert make(0) == 201


BAD: list[tuple[Json, str]] = [
    ({}, "#/name"),
    ({"name": "x"}, "#/scopes"),
    ({"name": "x", "preset": "operator", "scopes": ["read"]}, "#/scopes"),
    ({"name": "x", "preset": "root"}, "#/preset"),
    ({"name": "x", "scopes": []}, "#/scopes"),
    ({"name": "x", "scopes": ["everything"]}, "#/scopes/0"),
    ({"name": "", "preset": "operator"}, "#/name"),
    ({"name": "a\nb", "preset": "operator"}, "#/name"),
    ({"name": {"$gt": ""}, "preset": "operator"}, "#/name"),
    ({"name": "x" * 101, "preset": "operator"}, "#/name"),
    ({"name": "x", "preset": "operator", "models": ["*"]}, "#/models/0"),
    ({"name": "x", "preset": "operator", "models": ["a/*/b"]}, "#/models/0"),
    ({"name": "x", "preset": "operator", "models": ["a"] * 51}, "#/models"),
    ({"name": "x", "preset": "operator", "allowed_ips": ["localhost"]}, "#/allowed_ips/0"),
    ({"name": "x", "preset": "operator", "allowed_ips": ["192.0.2.1/24"]}, "#/allowed_ips/0"),
    ({"name": "x", "preset": "operator", "spend_cap": "-1"}, "#/spend_cap"),
    ({"name": "x", "preset": "operator", "spend_cap": 5}, "#/spend_cap"),
    ({"name": "x", "preset": "operator", "spend_cap": "1e9"}, "#/spend_cap"),
    ({"name": "x", "preset": "operator", "expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at"),
    ({"name": "x", "preset": "operator", "expires_at": 0}, "#/expires_at"),
    ({"name": "x", "preset": "operator", "account_id": "acct_1"}, "#/account_id"),
    ({"name": "x", "preset": "operator", "digest": "0"}, "#/digest"),
]


@pytest.mark.parametrize(("body", "pointer"), BAD, ids=lambda value: str(value)[:60])
def test_a_key_that_makes_no_sense_is_refused_by_its_field(keeper: Caller, body: Json, pointer: str):
    refused = expect(422, keeper.http.post(KEYS, json=body))

    assert pointer in {fault["pointer"] for fault in refused["errors"]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"name": None}, "#/name"), ({"scopes": None}, "#/scopes"), ({"revoked": False}, "#/revoked")],
)
def test_a_change_that_makes_no_sense_is_refused(keeper: Caller, made: Callable[..., Caller], body: Json, pointer: str):
    refused = expect(422, keeper.http.patch(f"{KEYS}/{id_of(made())}", json=body))

    assert refused["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "", None), ("PATCH", "", {"name": "mine"}), ("DELETE", "", None), ("POST", "/rotate", None)],
)
def test_a_foreign_key_answers_like_an_unknown_one(
    stranger: Caller, made: Callable[..., Caller], method: str, path: str, body: Json | None
):
    theirs = made()
    told = []
    for key_id in (id_of(theirs), UNKNOWN, "key_", "$ne"):
        refused = expect(404, stranger.http.request(method, f"{KEYS}/{key_id}{path}", json=body))
        told.append((refused["code"], refused["detail"].replace(key_id, "ID"), refused["hint"]))

    assert len(set(told)) == 1
    expect(200, theirs.http.get("/v1/jobs"))


def test_the_last_use_is_noted_behind_the_request(keeper: Caller, made: Callable[..., Caller]):
    caller = made()
    address = f"{KEYS}/{id_of(caller)}"
    assert expect(200, keeper.http.get(address))["last_used_at"] is None

    expect(200, caller.http.get("/v1/jobs"))

    until(lambda: expect(200, keeper.http.get(address))["last_used_at"] is not None)
    first = expect(200, keeper.http.get(address))["last_used_at"]
    for _ in range(3):
        expect(200, caller.http.get("/v1/jobs"))
    assert expect(200, keeper.http.get(address))["last_used_at"] == first


def test_every_event_of_a_key_is_in_the_audit_log(stack: Stack):
    caller = stack.caller("audited")
    key = expect(201, caller.http.post(KEYS, json={"name": "ci", "preset": "observer"}))["id"]
    expect(200, caller.http.patch(f"{KEYS}/{key}", json={"name": "cd"}))
    new = expect(200, caller.http.post(f"{KEYS}/{key}/rotate"))["new"]["id"]
    for _ in range(2):
        caller.http.delete(f"{KEYS}/{new}")

    page = expect(200, caller.http.get("/v1/audit", params={"verify": True}))

    told = [(entry["action"], entry["target"]) for entry in reversed(page["items"]) if entry["actor"]["kind"] == "key"]
    assert told == [("key.created", key), ("key.changed", key), ("key.rotated", key), ("key.revoked", new)]
    assert {entry["actor"]["ip"] for entry in page["items"] if entry["actor"]["kind"] == "key"} == {"127.0.0.1"}
    assert page["verification"]["holds"]
