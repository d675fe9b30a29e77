"""POST /v1/jobs/bulk: one action on many jobs, bounded, and told beforehand by a dry run."""

from datetime import UTC, datetime, timedelta

import pytest

from testkit.caller import Caller, Json, expect
from testkit.stack import Stack

LATER = (datetime.now(UTC) + timedelta(days=300)).isoformat()
NOTHING = {"matched": 0, "changed": 0, "skipped": 0, "failed": 0}


@pytest.fixture
def caller(stack: Stack, request: pytest.FixtureRequest) -> Caller:
    """An account of the test's own."""
    return stack.caller(f"bulk {request.node.name}")


def bulk(caller: Caller, **body: object) -> Json:
    return expect(200, caller.http.post("/v1/jobs/bulk", json=body))


def numbers(answer: Json) -> Json:
    return {name: answer[name] for name in NOTHING}


def delayed(caller: Caller, **job: object) -> str:
    """A job that waits for months."""
    return str(caller.submit(job={"not_before": LATER, **job})["id"])


def test_jobs_are_cancelled_by_tag_as_the_dry_run_said(caller: Caller):
    red = [delayed(caller, tags=["red"]) for _ in range(3)]
    blue = delayed(caller, tags=["blue"])

    told = bulk(caller, action="cancel", filter={"tag": "red"}, dry_run=True)
    untouched = [caller.job(job)["status"] for job in red]
    done = bulk(caller, action="cancel", filter={"tag": "red"})

    assert untouched == ["queued"] * 3
    assert numbers(told) == numbers(done) == NOTHING | {"matched": 3, "changed": 3}
    assert set(done["ids"]) == set(told["ids"]) == set(red)
    assert {caller.job(job)["status"] for job in red} == {"cancelled"}
    assert caller.job(blue)["status"] == "queued"
    assert numbers(bulk(caller, action="cancel", filter={"tag": "red"})) == NOTHING


def test_named_jobs_that_cannot_be_changed_are_skipped_or_failed(caller: Caller, owner: Caller):
    waiting, ended, foreign = delayed(caller), caller.submit()["id"], delayed(owner)
    caller.wait(ended)
    ids = [waiting, ended, foreign, "job_unknown", waiting]

    told = bulk(caller, action="cancel", ids=ids, dry_run=True)
    done = bulk(caller, action="cancel", ids=ids)

    assert numbers(told) == numbers(done) == {"matched": 2, "changed": 1, "skipped": 1, "failed": 2}
    assert done["ids"] == [waiting]
    assert done["errors"] == [
        {"id": foreign, "code": "job_not_found"},
        {"id": "job_unknown", "code": "job_not_found"},
    ]
    assert owner.job(foreign)["status"] == "queued"


def test_failed_jobs_are_retried_by_filter(caller: Caller):
    failed = [caller.submit(fail="fatal")["id"] for _ in range(2)]
    fine = caller.submit()["id"]
    for job in [*failed, fine]:
        caller.wait(job)

    done = bulk(caller, action="retry", filter={"status": ["failed"], "model": "testkit/noop"})

    assert numbers(done) == NOTHING | {"matched": 2, "changed": 2}
    assert all(caller.wait(job)["attempt"] == 2 for job in failed)
    assert caller.job(fine)["attempt"] == 1


def test_jobs_that_have_ended_are_erased_by_filter_once(caller: Caller):
    ended = [caller.submit(job={"tags": ["old"]})["id"] for _ in range(2)]
    waiting = delayed(caller, tags=["old"])
    outputs = [caller.wait(job)["outputs"][0]["url"] for job in ended]

    told = bulk(caller, action="erase", filter={"tag": "old"}, dry_run=True)
    done = bulk(caller, action="erase", filter={"tag": "old"})

    assert numbers(told) == numbers(done) == NOTHING | {"matched": 2, "changed": 2}
    assert [(caller.job(job)["data_removed"], caller.job(job)["input"]) for job in ended] == [(True, {})] * 2
    assert [caller.http.get(output).status_code for output in outputs] == [404, 404]
    assert not caller.job(waiting)["data_removed"]
    assert numbers(bulk(caller, action="erase", filter={"tag": "old"})) == NOTHING


def test_named_jobs_are_erased_as_far_as_they_have_ended(caller: Caller):
    ended, waiting = caller.submit()["id"], delayed(caller)
    caller.wait(ended)

    first = bulk(caller, action="erase", ids=[ended, waiting])
    again = bulk(caller, action="erase", ids=[ended, waiting])

    assert numbers(first) == NOTHING | {"matched": 2, "changed": 1, "skipped": 1}
    assert numbers(again) == NOTHING | {"matched": 2, "skipped": 2}
    assert again["skipped_jobs"] == [
        {"id": ended, "status": "completed", "reason": "data_removed"},
        {"id": waiting, "status": "queued", "reason": "status"},
    ]


@pytest.mark.parametrize(("action", "status"), [("erase", "queued"), ("retry", "completed"), ("cancel", "failed")])
def test_a_filter_that_can_never_find_anything_is_refused(caller: Caller, action: str, status: str):
    body = {"action": action, "filter": {"status": [status]}}

    problem = expect(422, caller.http.post("/v1/jobs/bulk", json=body))

    assert [error["pointer"] for error in problem["errors"]] == ["#/filter/status"]


def test_an_input_that_outlived_its_files_is_erased_too(stack: Stack, caller: Caller):
    job = caller.submit()["id"]
    caller.wait(job)
    with stack.documents() as database:
        database["jobs"].update_one({"_id": job}, {"$set": {"data_removed": True, "outputs": []}})

    done = bulk(caller, action="erase", ids=[job])

    assert (done["ids"], caller.job(job)["input"]) == ([job], {})


def test_a_retry_sent_again_under_its_key_retries_nothing_more(caller: Caller):
    job = caller.submit(fail="fatal")["id"]
    caller.wait(job)
    body, key = {"action": "retry", "filter": {"status": ["failed"]}}, {"Idempotency-Key": f"again {job}"}

    first = caller.http.post("/v1/jobs/bulk", json=body, headers=key)
    caller.wait(job)
    second = caller.http.post("/v1/jobs/bulk", json=body, headers=key)

    assert (second.content, second.headers["idempotency-replayed"]) == (first.content, "true")
    assert numbers(first.json()) == NOTHING | {"matched": 1, "changed": 1}
    assert caller.job(job)["attempt"] == 2


def test_a_filter_of_moments_and_batches_is_held(caller: Caller):
    item = {"model": "testkit/noop", "not_before": LATER}
    batch = expect(202, caller.http.post("/v1/batches", json={"items": [item, item]}))
    other = delayed(caller)
    moment = caller.job(other)["created_at"]

    by_batch = bulk(caller, action="cancel", filter={"batch_id": batch["id"]}, dry_run=True)
    earlier = bulk(caller, action="cancel", filter={"created_before": "2020-01-01T00:00:00Z"}, dry_run=True)
    later = bulk(caller, action="cancel", filter={"created_after": moment}, dry_run=True)

    assert set(by_batch["ids"]) == set(batch["job_ids"])
    assert numbers(earlier) == NOTHING
    assert other in later["ids"]


@pytest.mark.slow
def test_more_than_a_thousand_jobs_take_more_than_one_call(caller: Caller):
    item = {"model": "testkit/noop", "not_before": LATER}
    for size in (1000, 2):
        expect(202, caller.http.post("/v1/batches", json={"items": [item] * size}))

    first = bulk(caller, action="cancel", filter={"status": ["queued", "pending"]})
    second = bulk(caller, action="cancel", filter={"status": ["queued", "pending"]})

    assert (first["changed"], first["has_more"], len(first["ids"])) == (1000, True, 100)
    assert (second["changed"], second["has_more"]) == (2, False)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "cancel"},
        {"action": "cancel", "filter": {}},
        {"action": "cancel", "filter": {"status": []}},
        {"action": "cancel", "ids": ["job_x"], "filter": {"tag": "red"}},
        {"action": "cancel", "ids": []},
        {"action": "cancel", "ids": ["x"] * 1001},
        {"action": "erase-all", "ids": ["x"]},
        {"action": "cancel", "filter": {"colour": "red"}},
        {"action": "cancel", "filter": {"created_after": "2026-01-01T00:00:00"}},
    ],
)
def test_an_unclear_selection_changes_nothing(caller: Caller, body: Json):
    job = delayed(caller)

    problem = expect(422, caller.http.post("/v1/jobs/bulk", json=body))

    assert problem["errors"][0]["pointer"].startswith("#")
    assert caller.job(job)["status"] == "queued"
