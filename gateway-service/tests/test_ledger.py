"""Quotas and money over HTTP: what is refused and how, what the books say, who may add to them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reelwork.domain.account import Scope
from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

OFTEN = {"requests_per_minute": 10_000_000}
TIERS = {
    Tier.DEVELOPER: OFTEN | {"jobs_per_day": 5, "concurrent_jobs": 3},
    Tier.PRO: OFTEN | {"jobs_per_day": 3, "batch_items": 10},
    Tier.ENTERPRISE: OFTEN,
}
PRICES = {"testkit/noop": {"base": "0.1", "amount": "0.01", "unit": "second", "by": ["seconds"]}}
ADMIN = frozenset({Scope.ADMIN})


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, tiers=json.dumps(TIERS), prices=json.dumps(PRICES)) as running:
        yield running


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Caller:
    return stack.caller("operators", scopes=ADMIN)


def account(stack: Stack, name: str, tier: Tier, dollars: str | None = None) -> Caller:
    """A new account with so much credit."""
    caller = stack.caller(name, tier=tier)
    if dollars is not None:
        stack.credit(name, dollars)
    return caller


def quota(caller: Caller) -> Json:
    return expect(200, caller.http.get("/v1/account/quota"))


def ledger(caller: Caller, **parameters: object) -> list[Json]:
    items: list[Json] = expect(200, caller.http.get("/v1/account/ledger", params=parameters))["items"]
    return items


def id_of(stack: Stack, name: str) -> str:
    with stack.documents() as database:
        return str(database["accounts"].find_one({"name": name})["_id"])


def submit(caller: Caller, **values: object) -> tuple[int, Json]:
    answer = caller.http.post("/v1/jobs", json={"model": "testkit/noop", "input": values, "cache": "off"})
    return answer.status_code, answer.json()


def settled(caller: Caller, job_id: str) -> Json:
    """The job once its bill is settled."""
    until(lambda: caller.job(job_id)["cost"]["charged"] is not None)
    return caller.job(job_id)


def test_parallel_submits_at_the_end_of_a_quota_let_exactly_as_many_through(stack: Stack):
    caller = account(stack, "parallel", Tier.DEVELOPER, "100")

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: submit(caller, seconds=30), range(20)))

    refused = [problem for status, problem in answers if status != 202]
    assert sum(status == 202 for status, _ in answers) == 5
    assert {(problem["status"], problem["code"]) for problem in refused} == {(429, "quota_exceeded")}
    assert "5 jobs a day, and 5 of them are used" in refused[0]["detail"]
    assert 0 < refused[0]["retry_after"] <= 86_400
    today = quota(caller)["daily_quota"]
    assert (today["limit"], today["used"], today["remaining"]) == (5, 5, 0)
    assert not quota(caller)["can_generate"]
    for status, job in answers:
        if status == 202:
            caller.cancel(job["id"])
    until(lambda: quota(caller)["daily_quota"]["used"] == 0)
    stack.check_books()


def test_a_job_is_charged_its_price_and_the_books_tell_how(stack: Stack):
    caller = account(stack, "charged", Tier.PRO, "1")

    status, job = submit(caller, seconds=0.5)
    reserved = quota(caller)["balance"]
    ended = settled(caller, job["id"])

    assert status == 202
    assert (job["cost"]["estimated"], job["cost"]["reserved"], job["cost"]["charged"]) == ("0.1050", "0.1050", None)
    assert (reserved["available"], reserved["reserved"]) == ("0.8950", "0.1050")
    assert (ended["cost"]["reserved"], ended["cost"]["charged"]) == ("0.0000", "0.1050")
    until(lambda: len(ledger(caller)) == 3)
    entries = ledger(caller)
    assert [(entry["kind"], entry["amount"], entry["reserved"], entry["units"]) for entry in entries] == [
        ("charge", "0.0000", "-0.1050", 0),
        ("reserve", "-0.1050", "0.1050", 1),
        ("grant", "1.0000", "0.0000", 0),
    ]
    after = quota(caller)["balance"]
    assert (after["available"], after["reserved"], after["spent"]) == ("0.8950", "0.0000", "0.1050")
    assert [entry["kind"] for entry in ledger(caller, job=job["id"])] == ["charge", "reserve"]
    assert [entry["kind"] for entry in ledger(caller, kind="grant")] == ["grant"]


def test_a_failed_job_costs_nothing_and_its_retry_costs_again(stack: Stack):
    caller = account(stack, "failed", Tier.PRO, "0.15")
    _, job = submit(caller, fail="fatal")
    caller.wait(job["id"], "failed")

    again = expect(202, caller.http.post(f"/v1/jobs/{job['id']}/retry"))
    caller.wait(job["id"], "failed")
    ended = settled(caller, job["id"])

    assert again["cost"]["reserved"] == "0.1000"
    assert ended["cost"]["charged"] == "0.0000"
    until(lambda: quota(caller)["balance"]["available"] == "0.1500")
    assert quota(caller)["daily_quota"]["used"] == 0
    until(lambda: len(ledger(caller)) == 5)
    assert [entry["round"] for entry in ledger(caller, kind="release")] == [2, 1]


@pytest.mark.parametrize("by", ["submit", "batch", "retry", "bulk"])
def test_what_cannot_be_paid_is_refused_and_stores_nothing(stack: Stack, by: str):
    caller = account(stack, f"poor {by}", Tier.PRO, "0.15")
    _, job = submit(caller, seconds=0, fail="fatal")
    caller.wait(job["id"], "failed")
    settled(caller, job["id"])
    _, waiting = submit(caller, seconds=2)
    before = stack.stored()

    item = {"model": "testkit/noop", "input": {}, "cache": "off"}
    match by:
        case "submit":
            answer = caller.http.post("/v1/jobs", json=item)
        case "batch":
            answer = caller.http.post("/v1/batches", json={"items": [item, item]})
        case "retry":
            answer = caller.http.post(f"/v1/jobs/{job['id']}/retry")
        case _:
            answer = caller.http.post("/v1/jobs/bulk", json={"action": "retry", "ids": [job["id"]]})

    problem = expect(402, answer)
    assert problem["code"] == "insufficient_credits"
    assert "0.0300 USD are available" in problem["detail"]
    assert stack.stored().jobs == before.jobs
    assert caller.job(job["id"])["status"] == "failed"
    caller.cancel(waiting["id"])


def test_a_batch_is_reserved_as_a_whole_and_given_back_job_by_job(stack: Stack):
    caller = account(stack, "batch", Tier.PRO, "1")
    item = {"model": "testkit/noop", "input": {"seconds": 30}, "cache": "off"}

    too_many = caller.http.post("/v1/batches", json={"items": [item] * 4})
    batch = expect(202, caller.http.post("/v1/batches", json={"items": [item] * 2}))
    reserved = quota(caller)
    expect(200, caller.http.post(f"/v1/batches/{batch['id']}/cancel"))

    assert "3 jobs a day, and 0 of them are used; this would be 4 more" in expect(429, too_many)["detail"]
    assert (reserved["daily_quota"]["used"], reserved["balance"]["reserved"]) == (2, "0.8000")
    until(lambda: quota(caller)["balance"]["available"] == "1.0000")
    assert quota(caller)["daily_quota"]["used"] == 0


def test_an_answer_from_the_cache_costs_and_counts_nothing(stack: Stack):
    caller = account(stack, "cache", Tier.PRO, "0.1")
    body = {"model": "testkit/noop", "input": {"seed": 77}}
    first = expect(202, caller.http.post("/v1/jobs", json=body))
    caller.wait(first["id"], "completed")

    answered = expect(202, caller.http.post("/v1/jobs", json=body))

    assert answered["cache"]["hit"]
    assert answered["cost"]["charged"] == "0.0000"
    assert quota(caller)["daily_quota"]["used"] == 1


def test_the_same_request_again_is_paid_once(stack: Stack):
    caller = account(stack, "same", Tier.PRO, "1")
    body = {"model": "testkit/noop", "input": {"seconds": 0}, "cache": "off"}

    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: caller.http.post("/v1/jobs", json=body, headers={"Idempotency-Key": "k"}), range(8))
        )

    (job_id,) = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    settled(caller, job_id)
    until(lambda: quota(caller)["balance"]["available"] == "0.9000")


def test_quota_tells_all_that_the_plan_allows(stack: Stack):
    caller = account(stack, "shape", Tier.ENTERPRISE)

    told = quota(caller)

    assert told["rate_limit"] == {"requests_per_minute": 10_000_000}
    assert told["daily_quota"]["limit"] is told["daily_quota"]["remaining"] is None
    assert told["concurrent_jobs"] == {"limit": 100, "active": 0, "available": 100}
    assert told["max_video_duration"] == 300
    assert told["can_generate"]
    assert told["can_batch_generate"]
    assert told["spend_cap"] is None
    assert told["balance"]["available"] == "0.0000"


def test_an_estimate_tells_what_could_not_be_paid(stack: Stack):
    caller = account(stack, "estimate", Tier.PRO)

    told = expect(
        200, caller.http.post("/v1/jobs/estimate", json={"model": "testkit/noop", "input": {}, "cache": "off"})
    )

    assert [limit["code"] for limit in told["limits"]] == ["insufficient_credits"]
    assert quota(caller)["daily_quota"]["used"] == 0


def test_credit_and_refunds_are_the_administrators_to_give_and_given_once(stack: Stack, admin: Caller):
    caller = account(stack, "customer", Tier.PRO)
    base = f"/v1/admin/accounts/{id_of(stack, 'customer')}"
    key = {"Idempotency-Key": "invoice 1"}

    grants = [
        expect(201, admin.http.post(f"{base}/grants", json={"amount": "2.5", "note": "Thanks"}, headers=key))
        for _ in range(2)
    ]
    _, job = submit(caller)
    settled(caller, job["id"])
    part = expect(201, admin.http.post(f"{base}/refunds", json={"job_id": job["id"], "amount": "0.04"}))
    rest = expect(201, admin.http.post(f"{base}/refunds", json={"job_id": job["id"]}))

    recorded = expect(200, caller.http.get("/v1/audit"))["items"]
    assert [(entry["action"], entry["details"]["amount"]) for entry in recorded] == [
        ("job.refunded", "0.0600"),
        ("job.refunded", "0.0400"),
        ("account.credited", "2.5000"),
    ]
    auditor = stack.caller("auditors", scopes=frozenset(Scope))
    by_whom = expect(200, auditor.http.get("/v1/audit", params={"installation": True}))["items"][0]
    assert (by_whom["target"], by_whom["actor"]["kind"]) == (id_of(stack, "customer"), "key")
    assert grants[0] == grants[1]
    assert (part["amount"], rest["amount"]) == ("0.0400", "0.0600")
    assert quota(caller)["balance"]["available"] == "2.5000"
    until(lambda: caller.job(job["id"])["cost"]["refunded"] == "0.1000")
    assert expect(409, admin.http.post(f"{base}/refunds", json={"job_id": job["id"]}))["code"] == "invalid_state"
    stack.check_books()


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("acct_unknown/grants", {"amount": "1"}, (404, "account_not_found")),
        ("{}/grants", {"amount": "0"}, (422, "invalid_input")),
        ("{}/grants", {"amount": "-1"}, (422, "invalid_input")),
        ("{}/grants", {"amount": 1}, (422, "invalid_input")),
        ("{}/grants", {"amount": "1", "x": 1}, (422, "invalid_input")),
        ("{}/refunds", {"job_id": "job_unknown"}, (404, "job_not_found")),
        ("{}/refunds", {}, (422, "invalid_input")),
    ],
)
def test_bad_orders_are_refused(stack: Stack, admin: Caller, path: str, body: Json, refusal: tuple[int, str]):
    stack.caller("orders")

    answer = admin.http.post(f"/v1/admin/accounts/{path.format(id_of(stack, 'orders'))}", json=body)

    assert (answer.status_code, answer.json()["code"]) == refusal


def test_the_ledger_has_pages_and_shows_nobody_elses(stack: Stack):
    caller, other = account(stack, "pages", Tier.PRO), account(stack, "others", Tier.PRO, "1")
    for _ in range(5):
        stack.credit("pages", "0.5")

    seen, cursor = list[Json](), dict[str, Any]()
    while True:
        page = expect(200, caller.http.get("/v1/account/ledger", params={"limit": 2} | cursor))
        seen += page["items"]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len({entry["id"] for entry in seen}) == 5
    assert [entry["id"] for entry in seen] == sorted((entry["id"] for entry in seen), reverse=True)
    assert len(ledger(other)) == 1
    assert caller.http.get("/v1/account/ledger", params={"cursor": "led_x"}).json()["code"] == "invalid_cursor"
    assert ledger(caller, job="job_of_nobody") == []
