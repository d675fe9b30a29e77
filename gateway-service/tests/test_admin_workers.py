"""The list of workers over HTTP, and draining: for operators only."""

import pytest

from reelwork.domain.account import Scope
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

LIST = "/v1/admin/workers"
UNKNOWN = "wrk_01jd0f8g5ne8rr3v5m6n7p8q9r"


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Caller:
    return stack.caller("operator", scopes=frozenset({Scope.ADMIN}))


@pytest.fixture
def worker(operator: Caller) -> Json:
    """The one inside the gateway's process, once it has done what other tests left to it."""
    idle: list[Json] = []

    def has_nothing_to_do() -> bool:
        idle[:] = expect(200, operator.http.get(LIST))["items"]
        return [one["jobs_running"] for one in idle] == [0]

    until(has_nothing_to_do)
    return idle[0]


def test_an_operator_sees_what_a_worker_is_and_does(worker: Json, operator: Caller):
    assert worker["id"].startswith("wrk_")
    assert (worker["object"], worker["name"], worker["state"], worker["pools"]) == (
        "worker",
        "in-process",
        "ready",
        ["cpu"],
    )
    assert {"name": "testkit/noop", "version": "1"} in worker["models"]
    assert worker["concurrency"] >= 1
    assert (worker["drained"], worker["jobs_running"], worker["running"]) == (False, 0, [])
    one = expect(200, operator.http.get(f"{LIST}/{worker['id']}"))
    assert one | {"seen_at": "", "jobs_done": 0} == worker | {"seen_at": "", "jobs_done": 0}


def test_a_running_job_is_shown_with_its_worker(worker: Json, operator: Caller, owner: Caller):
    job_id = owner.submit(seconds=60)["id"]

    until(lambda: expect(200, operator.http.get(f"{LIST}/{worker['id']}"))["running"] == [job_id])
    owner.cancel(job_id)
    until(lambda: expect(200, operator.http.get(f"{LIST}/{worker['id']}"))["jobs_running"] == 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", f"/{UNKNOWN}"), ("POST", f"/{UNKNOWN}/drain"), ("POST", f"/{UNKNOWN}/undrain")],
)
def test_an_ordinary_key_may_not_look_after_the_installation(owner: Caller, nobody: Caller, method: str, path: str):
    refused = expect(403, owner.http.request(method, LIST + path))
    assert refused["code"] == "scope_missing"
    assert "admin" in refused["detail"]
    assert expect(401, nobody.http.request(method, LIST + path))["code"] == "missing_credentials"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/drain"), ("POST", "/undrain")])
@pytest.mark.parametrize("worker_id", [UNKNOWN, "wrk_", "$ne"])
def test_an_unknown_worker_is_not_found(operator: Caller, method: str, path: str, worker_id: str):
    assert expect(404, operator.http.request(method, f"{LIST}/{worker_id}{path}"))["code"] == "worker_not_found"


def test_a_list_can_be_asked_by_state_and_refuses_what_is_none(worker: Json, operator: Caller):
    ready = expect(200, operator.http.get(LIST, params={"state": ["ready", "draining"]}))
    lost = expect(200, operator.http.get(LIST, params={"state": "lost"}))
    wrong = expect(400, operator.http.get(LIST, params={"state": "asleep"}))
    cursor = expect(400, operator.http.get(LIST, params={"cursor": "job_1"}))

    assert [item["id"] for item in ready["items"]] == [worker["id"]]
    assert (lost["items"], lost["has_more"], lost["next_cursor"]) == ([], False, None)
    assert wrong["errors"][0]["pointer"].startswith("?state")
    assert cursor["code"] == "invalid_cursor"


def test_a_worker_that_drains_leaves_a_job_waiting_until_it_is_called_back(
    worker: Json, operator: Caller, owner: Caller
):
    def now() -> Json:
        return expect(200, operator.http.get(f"{LIST}/{worker['id']}"))

    told = expect(200, operator.http.post(f"{LIST}/{worker['id']}/drain"))
    until(lambda: now()["drained"])
    job_id = owner.submit()["id"]
    waiting = [owner.job(job_id)["status"], now()["state"]]

    back = expect(200, operator.http.post(f"{LIST}/{worker['id']}/undrain"))

    assert (told["state"], waiting, back["state"]) == ("draining", ["queued", "draining"], "ready")
    assert owner.wait(job_id)["status"] == "completed"


def test_who_drained_which_worker_is_in_the_audit_log(stack: Stack, worker: Json):
    auditor = stack.caller("audited-operator", scopes=frozenset({Scope.ADMIN, Scope.MANAGE}))
    for order in ("drain", "undrain"):
        expect(200, auditor.http.post(f"{LIST}/{worker['id']}/{order}"))

    entries = expect(200, auditor.http.get("/v1/audit", params={"installation": True}))["items"]
    acts = [(entry["action"], entry["actor"]["kind"]) for entry in entries if entry["target"] == worker["id"]]
    assert acts[:2] == [("worker.undrained", "key"), ("worker.drained", "key")]


def test_a_worker_that_has_ended_takes_no_orders(stack: Stack, operator: Caller, worker: Json):
    gone = "wrk_01jd0f8g5ne8rr3v5m6n7p8q9s"
    with stack.documents() as database:
        entry = database["workers"].find_one({"_id": worker["id"]})
        entry["card"]["id"] = gone
        database["workers"].insert_one(entry | {"_id": gone, "gone": True})

    for order in ("drain", "undrain"):
        refused = expect(409, operator.http.post(f"{LIST}/{gone}/{order}"))
        assert (refused["code"], refused["hint"]) == ("invalid_state", "Start another one.")
    with stack.documents() as database:
        database["workers"].delete_one({"_id": gone})
