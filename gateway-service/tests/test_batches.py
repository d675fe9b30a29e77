"""Batches over HTTP: accepted together, followed, cancelled, and retried where they failed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

NOOP = "testkit/noop"


def items(count: int, **values: object) -> list[Json]:
    return [{"model": NOOP, "input": values} for _ in range(count)]


def submit(caller: Caller, jobs: list[Json], **batch: object) -> Json:
    return expect(202, caller.http.post("/v1/batches", json={"items": jobs, **batch}))


def read(caller: Caller, batch: Json) -> Json:
    return expect(200, caller.http.get(f"/v1/batches/{batch['id']}"))


def ended(caller: Caller, batch: Json) -> Json:
    until(lambda: read(caller, batch)["is_terminal"])
    return read(caller, batch)


def retry_failed(caller: Caller, batch: Json, **query: object) -> Json:
    return expect(200, caller.http.post(batch["urls"]["retry_failed"], params=query))


def attempts(stack: Stack, batch: Json) -> int:
    with stack.documents() as database:
        return sum(len(job["attempts"]) for job in database["jobs"].find({"batch_id": batch["id"]}))


@pytest.mark.slow
def test_of_a_hundred_jobs_seven_fail_and_retrying_them_makes_seven_attempts(stack: Stack, owner: Caller):
    failing = range(3, 100, 15)
    jobs = [{"model": NOOP, "input": {"fail": "fatal"} if n in failing else {}} for n in range(100)]

    batch = submit(owner, jobs, name="A hundred")
    first = ended(owner, batch)
    made = attempts(stack, batch)
    retried = retry_failed(owner, batch)
    second = ended(owner, batch)

    assert (first["counts"]["completed"], first["counts"]["failed"], first["progress"]) == (93, 7, 1.0)
    assert (first["status"], first["is_success"]) == ("completed", False)
    assert (retried["matched"], retried["changed"], retried["skipped"]) == (7, 7, 0)
    assert retried["batch"]["status"] == "processing"
    assert retried["batch"]["completed_at"] is None
    assert (made, attempts(stack, batch)) == (100, 107)
    assert (second["counts"]["completed"], second["counts"]["failed"]) == (93, 7)
    assert second["completed_at"] > first["completed_at"]
    again = [owner.job(batch["job_ids"][n]) for n in failing]
    assert {job["attempt"] for job in again} == {2}


def test_two_retries_at_once_make_one_attempt_of_each_failed_job(stack: Stack, owner: Caller):
    batch = submit(owner, items(7, fail="fatal"))
    ended(owner, batch)
    # The only worker is busy: no retried job has failed again while another call still looks.
    busy = owner.submit(seconds=60)["id"]
    owner.wait(busy, "processing")

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: retry_failed(owner, batch), range(4)))
    owner.cancel(busy)
    ended(owner, batch)

    assert sum(answer["changed"] for answer in answers) == 7
    assert attempts(stack, batch) == 14


def test_retrying_what_may_pass_leaves_out_what_cannot(stack: Stack, owner: Caller):
    once = {"retry": {"max_attempts": 1}}
    batch = submit(owner, [job | once for job in items(2, fail="retryable") + items(3, fail="invalid")])
    ended(owner, batch)

    retried = retry_failed(owner, batch, only="retryable")

    assert (retried["matched"], retried["changed"]) == (2, 2)
    ended(owner, batch)
    assert attempts(stack, batch) == 7


def test_a_batch_whose_jobs_all_complete_is_a_success(owner: Caller):
    batch = submit(owner, items(3), name="Three", tags=["autumn"], metadata={"order": "7"})

    done = ended(owner, batch)

    assert (done["is_success"], done["progress"], done["poll_after_ms"]) == (True, 1.0, 0)
    assert (done["name"], done["tags"], done["metadata"]) == ("Three", ["autumn"], {"order": "7"})
    assert done["completed_at"] == max(owner.job(job)["completed_at"] for job in batch["job_ids"])
    assert done["counts"]["total"] == 3
    events = [event["type"] for event in owner.events(batch["job_ids"][0])]
    assert events == ["job.pending", "job.queued", "job.processing", "job.completed"]


def test_jobs_are_listed_by_their_batch_in_its_order(owner: Caller):
    batch = submit(owner, items(5))
    submit(owner, items(2))

    listed = expect(200, owner.http.get(batch["urls"]["jobs"]))["items"]

    assert [job["id"] for job in listed] == batch["job_ids"][::-1]
    assert {job["batch_id"] for job in listed} == {batch["id"]}


def test_batches_are_listed_newest_first_by_pages(stack: Stack):
    caller = stack.caller("batch lister")
    made = [submit(caller, items(1))["id"] for _ in range(3)]

    first = expect(200, caller.http.get("/v1/batches", params={"limit": 2}))
    second = expect(200, caller.http.get("/v1/batches", params={"limit": 2, "cursor": first["next_cursor"]}))

    assert [batch["id"] for batch in first["items"] + second["items"]] == made[::-1]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert expect(400, caller.http.get("/v1/batches?cursor=job_1"))["code"] == "invalid_cursor"


def test_defaults_fill_what_items_leave_out(owner: Caller):
    defaults = {"model": NOOP, "priority": "low", "tags": ["all"], "input": {"size_bytes": 5, "seconds": 0}}
    batch = submit(owner, [{}, {"input": {"size_bytes": 9}, "tags": ["own"]}], defaults=defaults)

    first, second = (owner.job(job) for job in batch["job_ids"])

    assert (first["input"], first["tags"], first["priority"]) == ({"size_bytes": 5, "seconds": 0}, ["all"], "low")
    assert (second["input"], second["tags"]) == ({"size_bytes": 9, "seconds": 0}, ["own"])


def test_cancelling_a_batch_stops_what_has_not_ended(owner: Caller):
    batch = submit(owner, items(2) + items(20, seconds=60))
    until(lambda: read(owner, batch)["counts"]["completed"] == 2)
    until(lambda: read(owner, batch)["counts"]["processing"])

    cancelled = expect(200, owner.http.post(batch["urls"]["cancel"]))

    assert cancelled["changed"] == 20
    done = ended(owner, batch)
    assert (done["counts"]["completed"], done["counts"]["cancelled"]) == (2, 20)
    assert expect(200, owner.http.post(batch["urls"]["cancel"]))["changed"] == 0


@pytest.mark.slow
def test_a_thousand_items_are_accepted_and_one_more_is_not(stack: Stack):
    caller = stack.caller("thousand")
    before = stack.stored().jobs

    refused = expect(422, caller.http.post("/v1/batches", json={"items": items(1001)}))
    assert stack.stored().jobs == before
    batch = submit(caller, items(1000))

    assert refused["errors"][0]["pointer"] == "#/items"
    assert len(set(batch["job_ids"])) == read(caller, batch)["counts"]["total"] == 1000
    assert expect(200, caller.http.post(batch["urls"]["cancel"]))["batch"]["id"] == batch["id"]


def test_an_account_whose_plan_runs_no_jobs_cannot_submit_a_batch(stack: Stack):
    free = stack.caller("free batches", tier=Tier.FREE)

    assert expect(403, free.http.post("/v1/batches", json={"items": items(2)}))["code"] == "insufficient_tier"


def test_a_batch_sent_again_under_its_key_is_the_same_batch(stack: Stack, owner: Caller):
    body, key = {"items": items(3)}, {"Idempotency-Key": "batch 1"}

    first = owner.http.post("/v1/batches", json=body, headers=key)
    second = owner.http.post("/v1/batches", json=body, headers=key)

    assert first.status_code == second.status_code == 202
    assert second.content == first.content
    assert second.headers["idempotency-replayed"] == "true"
    assert expect(422, owner.http.post("/v1/batches", json=body | {"name": "x"}, headers=key))["code"] == (
        "idempotency_key_mismatch"
    )


def test_failed_jobs_are_retried_once_for_each_key(owner: Caller):
    batch = submit(owner, items(1, fail="fatal"))
    (job,) = batch["job_ids"]
    owner.wait(job)
    key = {"Idempotency-Key": f"again {job}"}

    first = owner.http.post(batch["urls"]["retry_failed"], headers=key)
    owner.wait(job)
    second = owner.http.post(batch["urls"]["retry_failed"], headers=key)
    other = owner.http.post(batch["urls"]["retry_failed"], headers=key, params={"only": "retryable"})

    assert (first.json()["changed"], first.content) == (1, second.content)
    assert owner.job(job)["attempt"] == 2
    assert expect(422, other)["code"] == "idempotency_key_mismatch"


def test_a_batch_whose_answer_was_lost_is_found_by_its_key(stack: Stack, owner: Caller):
    body, key = {"items": items(3)}, {"Idempotency-Key": "batch 2"}
    first = expect(202, owner.http.post("/v1/batches", json=body, headers=key))
    with stack.documents() as database:  # as if the gateway had died between the batch and its answer
        (newest,) = database["idempotency"].find({"answer.status": 202}).sort("expires_at", -1).limit(1)
        forgotten = {
            "$set": {"state": "running", "answer": None, "leased_until": newest["expires_at"] - timedelta(days=9)}
        }
        database["idempotency"].update_one({"_id": newest["_id"]}, forgotten)

    second = expect(202, owner.http.post("/v1/batches", json=body, headers=key))

    assert second["job_ids"] == first["job_ids"]
