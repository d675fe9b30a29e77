"""Accounts over HTTP: made, listed, changed and suspended by operators; never a key in an answer."""

import re

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.security

ACCOUNTS = "/v1/admin/accounts"
UNKNOWN = "acct_01jd0f8g5ne8rr3v5m6n7p8q9r"
KEY = re.compile(r"rw_\w+_[0-9a-f]{64}|digest|secret")


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Caller:
    return stack.caller("account-operator", scopes=frozenset({Scope.ADMIN, Scope.MANAGE, Scope.SUBMIT}))


def made(operator: Caller, name: str, tier: str = "developer", **fields: object) -> Json:
    return expect(201, operator.http.post(ACCOUNTS, json={"name": name, "tier": tier, **fields}))


def changed(operator: Caller, account: Json, **fields: object) -> Json:
    return expect(200, operator.http.patch(f"{ACCOUNTS}/{account['id']}", json=fields))


def acts(operator: Caller, account: Json) -> list[str]:
    """What the installation's audit log has about an account, oldest first."""
    entries = expect(200, operator.http.get("/v1/audit", params={"installation": True, "limit": 100}))["items"]
    return [entry["action"] for entry in entries[::-1] if entry["target"] == account["id"]]


def test_an_account_is_made_found_and_changed_and_every_act_is_recorded(operator: Caller):
    answer = operator.http.post(ACCOUNTS, json={"name": "film house", "tier": "pro", "weight": 3})
    account = expect(201, answer)

    assert answer.headers["location"] == f"{ACCOUNTS}/{account['id']}"
    assert (account["tier"], account["plan"]["weight"], account["plan"]["concurrent_jobs"]) == ("pro", 3, 10)
    assert expect(200, operator.http.get(answer.headers["location"])) == account
    after = changed(operator, account, tier="enterprise", weight=None, name="film palace")
    assert (after["name"], after["tier"], after["weight"], after["plan"]["weight"]) == (
        "film palace",
        "enterprise",
        None,
        10,
    )
    assert changed(operator, account, suspended=True)["suspended_at"] is not None
    assert changed(operator, account, suspended=False)["suspended"] is False
    assert changed(operator, account, tier="enterprise") == changed(operator, account)  # nothing new, nothing recorded
    assert acts(operator, account) == [
        "account.created",
        "account.tier_changed",
        "account.changed",
        "account.suspended",
        "account.resumed",
    ]


def test_accounts_are_listed_page_by_page_and_by_what_they_are(operator: Caller):
    names = [f"listed-{number}" for number in range(3)]
    accounts = [made(operator, name, "free") for name in names]
    changed(operator, accounts[1], suspended=True)

    def listed(**query: object) -> list[str]:
        return [item["name"] for item in expect(200, operator.http.get(ACCOUNTS, params=query))["items"]]

    first = expect(200, operator.http.get(ACCOUNTS, params={"name": "listed-", "limit": 2}))
    rest = expect(200, operator.http.get(ACCOUNTS, params={"name": "listed-", "cursor": first["next_cursor"]}))
    assert [item["name"] for item in (*first["items"], *rest["items"])] == names[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert listed(name="listed-", suspended=True) == ["listed-1"]
    assert listed(name="listed-", suspended=False) == ["listed-2", "listed-0"]
    assert listed(name="listed-", tier="pro") == []
    assert set(listed(tier=["free", "pro"], limit=100)) >= set(names)


def test_no_answer_has_a_key_in_it(operator: Caller):
    account = made(operator, "keyless")

    for path in ("", f"/{account['id']}"):
        assert not KEY.search(operator.http.get(ACCOUNTS + path).text)


def test_a_name_belongs_to_one_account(operator: Caller):
    taken, other = made(operator, "taken"), made(operator, "free-to-go")

    again = operator.http.post(ACCOUNTS, json={"name": "taken", "tier": "pro"})
    assert expect(409, again)["code"] == "invalid_state"
    renamed = operator.http.patch(f"{ACCOUNTS}/{other['id']}", json={"name": "taken"})
    assert expect(409, renamed)["code"] == "invalid_state"
    assert acts(operator, taken) == ["account.created"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tier": "gold"}, "#/tier"),
        ({"weight": 0}, "#/weight"),
        ({"weight": "5"}, "#/weight"),
        ({"suspended": "yes"}, "#/suspended"),
        ({"name": " blank"}, "#/name"),
        ({"name": {"$ne": 1}}, "#/name"),
        ({"plan_version": 9}, "#/plan_version"),
    ],
)
def test_a_bad_change_is_refused_and_says_where(operator: Caller, body: Json, pointer: str):
    refused = expect(422, operator.http.patch(f"{ACCOUNTS}/{UNKNOWN}", json=body))

    assert [error["pointer"] for error in refused["errors"]] == [pointer]


@pytest.mark.parametrize("account_id", [UNKNOWN, "acct_", "$ne", "%7B%7D"])
def test_an_unknown_account_is_not_found(operator: Caller, account_id: str):
    path = f"{ACCOUNTS}/{account_id}"

    assert expect(404, operator.http.get(path))["code"] == "account_not_found"
    assert expect(404, operator.http.patch(path, json={"tier": "pro"}))["code"] == "account_not_found"


def test_operators_do_not_shut_themselves_out(operator: Caller):
    (own,) = expect(200, operator.http.get(ACCOUNTS, params={"name": "account-operator"}))["items"]

    refused = expect(409, operator.http.patch(f"{ACCOUNTS}/{own['id']}", json={"suspended": True}))

    assert refused["code"] == "invalid_state"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{UNKNOWN}"),
        ("PATCH", f"/{UNKNOWN}"),
    ],
)
def test_an_ordinary_key_may_not_look_after_accounts(owner: Caller, nobody: Caller, method: str, path: str):
    body = {"json": {"name": "x", "tier": "pro"}} if method in {"POST", "PATCH"} else {}
    assert expect(403, owner.http.request(method, ACCOUNTS + path, **body))["code"] == "scope_missing"
    assert expect(401, nobody.http.request(method, ACCOUNTS + path, **body))["code"] == "missing_credentials"


def test_a_tier_change_while_100_jobs_wait_takes_effect_at_the_next_claim(
    stack: Stack, operator: Caller, owner: Caller
):
    studio = stack.caller("studio-of-100")
    (account,) = expect(200, operator.http.get(ACCOUNTS, params={"name": "studio-of-100"}))["items"]
    expect(200, studio.http.post("/v1/account/queue/pause"))
    items = [{"input": {"seconds": 60, "seed": number}} for number in range(100)]
    body = {"items": items, "defaults": {"model": "testkit/noop"}}
    batch = expect(202, studio.http.post("/v1/batches", json=body))["id"]
    waiting = expect(200, studio.http.get("/v1/jobs", params={"batch_id": batch, "status": "queued"}))["items"][0]

    def begun() -> int:
        with stack.documents() as database:
            return int(database["jobs"].count_documents({"batch_id": batch, "status": {"$ne": "queued"}}))

    def why() -> Json:
        reason: Json = expect(200, studio.http.get(f"/v1/jobs/{waiting['id']}/explain"))["reasons"][0]
        return reason

    changed(operator, account, tier="free")
    expect(200, studio.http.post("/v1/account/queue/resume"))
    owner.wait(owner.submit()["id"], "completed")  # a worker came by
    assert begun() == 0
    assert why()["code"] == "plan_without_jobs"

    changed(operator, account, tier="developer")
    until(begun)
    with stack.documents() as database:
        lane = database["lanes"].find_one({"account_id": account["id"], "pool": "cpu"})
    assert (lane["weight"], lane["limit"]) == (1, 3)
    assert why()["code"] != "plan_without_jobs"
    expect(200, studio.http.post(f"/v1/batches/{batch}/cancel"))
    until(lambda: expect(200, studio.http.get(f"/v1/batches/{batch}"))["is_terminal"])


def test_the_jobs_of_a_suspended_account_wait_until_it_may_go_on(stack: Stack, operator: Caller):
    studio = stack.caller("suspended-studio")
    (account,) = expect(200, operator.http.get(ACCOUNTS, params={"name": "suspended-studio"}))["items"]
    changed(operator, account, suspended=True)
    with stack.documents() as database:
        lanes = database["lanes"].find({"account_id": account["id"]}).to_list()
        assert {lane["limit"] for lane in lanes} == {0}

    changed(operator, account, suspended=False)

    studio.wait(studio.submit()["id"], "completed")


def test_the_keys_of_a_suspended_account_open_nothing_from_the_next_request_on(stack: Stack, operator: Caller):
    studio = stack.caller("shut-studio")
    studio.submit()
    (account,) = expect(200, operator.http.get(ACCOUNTS, params={"name": "shut-studio"}))["items"]

    changed(operator, account, suspended=True)

    assert expect(403, studio.http.get("/v1/jobs"))["code"] == "account_suspended"
    changed(operator, account, suspended=False)
    expect(200, studio.http.get("/v1/jobs"))
