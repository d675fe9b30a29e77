"""Queues, the dashboard and the jobs of all accounts: for operators only, and what they see is so."""

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

QUEUES, DASHBOARD, JOBS = "/v1/admin/queues", "/v1/admin/dashboard", "/v1/admin/jobs"


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Caller:
    return stack.caller("overseer", scopes=frozenset({Scope.ADMIN, Scope.MANAGE, Scope.READ}))


def queue_of(operator: Caller, pool: str = "cpu") -> Json:
    found: list[Json] = expect(200, operator.http.get(QUEUES))["items"]
    return next(queue for queue in found if queue["pool"] == pool)


def held(operator: Caller, *, yes: bool, pool: str = "cpu") -> Json:
    return expect(200, operator.http.patch(f"{QUEUES}/{pool}", json={"held": yes}))


def test_a_held_pool_starts_nothing_says_so_and_goes_on(operator: Caller, owner: Caller, stranger: Caller):
    stopped = held(operator, yes=True)
    try:
        jobs = [(caller, caller.submit()["id"]) for caller in (owner, owner, stranger)]

        assert (stopped["held"], stopped["starting"]) == (True, 0)
        until(lambda: queue_of(operator)["queued"] == 3)
        queue = queue_of(operator)
        assert (queue["lanes"], queue["workers"], queue["held_since"]) == (2, 1, stopped["held_since"])
        assert queue["oldest_seconds"] >= 0
        reasons = expect(200, owner.http.get(f"/v1/jobs/{jobs[0][1]}/explain"))["reasons"]
        assert reasons[0]["code"] == "pool_held"
        seen = expect(200, operator.http.get(DASHBOARD))
        assert seen["total_queued"] >= 3
        (heaviest, *_) = seen["queues"]
        assert (heaviest["weight"], heaviest["length"], heaviest["accounts"]) == (10, 3, 2)
        assert {job["id"] for job in heaviest["jobs"]} <= {job_id for _, job_id in jobs}
    finally:
        released = held(operator, yes=False)

    assert not released["held"]
    for caller, job_id in jobs:
        caller.wait(job_id, "completed")
    entries = expect(200, operator.http.get("/v1/audit", params={"installation": True}))["items"]
    assert [entry["action"] for entry in entries if entry["target"] == "cpu"][:2] == ["queue.released", "queue.held"]


def test_other_pools_are_not_held_with_it(operator: Caller, owner: Caller):
    held(operator, yes=True, pool="gpu")

    owner.wait(owner.submit()["id"], "completed")

    assert queue_of(operator, "gpu")["held"]
    held(operator, yes=False, pool="gpu")


@pytest.mark.parametrize("pool", ["disk", "$ne", "cpu%20"])
def test_an_unknown_pool_is_not_found(operator: Caller, pool: str):
    assert expect(404, operator.http.patch(f"{QUEUES}/{pool}", json={"held": True}))["code"] == "queue_not_found"


def test_the_dashboard_tells_what_runs_who_works_and_what_came_last(operator: Caller, owner: Caller):
    job_id = owner.submit(seconds=60)["id"]
    try:
        owner.wait(job_id, "processing")
        until(lambda: expect(200, operator.http.get(DASHBOARD))["total_running"] == 1)
        seen = expect(200, operator.http.get(DASHBOARD))
    finally:
        owner.cancel(job_id)

    assert [(job["id"], job["account"], job["status"]) for job in seen["active_jobs"]] == [
        (job_id, "owner", "processing")
    ]
    assert seen["recent_jobs"][0]["id"] == job_id
    assert [queue["weight"] for queue in seen["queues"]] == [10, 5, 1]
    assert {queue["pool"] for queue in seen["pools"]} == {"cpu", "gpu", "browser", "remote"}
    assert seen["workers"]["ready"] == 1
    assert "rw_" not in str(seen)


def test_the_active_jobs_of_all_accounts_are_listed_with_whose_they_are(
    operator: Caller, owner: Caller, stranger: Caller
):
    jobs = {caller.submit(seconds=60)["id"]: name for caller, name in ((owner, "owner"), (stranger, "stranger"))}
    ended = owner.submit()["id"]
    owner.cancel(ended)

    def listed(**query: object) -> list[Json]:
        found: list[Json] = expect(200, operator.http.get(JOBS, params={"limit": 100, **query}))["items"]
        return found

    assert {item["job"]["id"]: item["account"] for item in listed() if item["job"]["id"] in jobs} == jobs
    assert ended not in {item["job"]["id"] for item in listed()}
    mine = listed()[0]["account_id"]
    assert {item["account_id"] for item in listed(account_id=mine)} == {mine}
    first = expect(200, operator.http.get(JOBS, params={"limit": 1}))
    second = expect(200, operator.http.get(JOBS, params={"limit": 1, "cursor": first["next_cursor"]}))
    assert first["items"][0]["job"]["id"] > second["items"][0]["job"]["id"]
    for job_id, name in jobs.items():
        (owner if name == "owner" else stranger).cancel(job_id)
    assert ended in {item["job"]["id"] for item in listed(status=["cancelled", "completed"])}


def test_the_list_of_jobs_reaches_over_all_accounts_for_operators_alone(
    operator: Caller, owner: Caller, stranger: Caller
):
    mine, theirs = owner.submit()["id"], stranger.submit()["id"]

    everybodys = expect(200, operator.http.get("/v1/jobs", params={"scope": "all", "limit": 100}))["items"]
    own = expect(200, operator.http.get("/v1/jobs", params={"limit": 100}))["items"]

    assert {mine, theirs} <= {job["id"] for job in everybodys}
    assert own == []
    assert expect(403, owner.http.get("/v1/jobs", params={"scope": "all"}))["code"] == "scope_missing"


def test_a_numbered_page_reaches_over_all_accounts_for_operators_alone(
    operator: Caller, owner: Caller, stranger: Caller
):
    mine, theirs = owner.submit()["id"], stranger.submit()["id"]

    pages = [
        expect(200, operator.http.get("/v1/jobs", params={"scope": "all", "page": number, "per_page": 1}))
        for number in (1, 2)
    ]

    assert [job["id"] for page in pages for job in page["items"]] == [theirs, mine]
    assert pages[0]["meta"]["total"] >= 2
    assert expect(403, owner.http.get("/v1/jobs", params={"scope": "all", "page": 1}))["code"] == "scope_missing"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", QUEUES), ("PATCH", f"{QUEUES}/cpu"), ("GET", DASHBOARD), ("GET", JOBS)],
)
def test_an_ordinary_key_sees_nothing_of_it(owner: Caller, nobody: Caller, method: str, path: str):
    body = {"json": {"held": True}} if method == "PATCH" else {}
    assert expect(403, owner.http.request(method, path, **body))["code"] == "scope_missing"
    assert expect(401, nobody.http.request(method, path, **body))["code"] == "missing_credentials"
