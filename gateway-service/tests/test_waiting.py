"""`Prefer: wait=n` holds an answer back until the job has ended; `ETag` spares an answer that says nothing new."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx2 as httpx
import pytest

from gateway.headers import LONGEST_WAIT_SECONDS, Preference, preference
from testkit.caller import Caller, expect
from testkit.stack import Stack
from testkit.waiting import until

NOOP = {"model": "testkit/noop", "input": {}}
SLOW = {"model": "testkit/noop", "input": {"seconds": 60}}


def post(caller: Caller, prefer: str, body: object = NOOP, **headers: str) -> httpx.Response:
    return caller.http.post("/v1/jobs", json=body, headers={"Prefer": prefer, **headers})


def test_a_job_that_ends_in_time_is_answered_whole(owner: Caller):
    answer = post(owner, "wait=30")

    job = expect(201, answer)
    assert (job["status"], len(job["outputs"])) == ("completed", 1)
    assert answer.headers["preference-applied"] == "wait=30"
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert "retry-after" not in answer.headers


def test_a_job_that_fails_in_time_is_answered_too(owner: Caller):
    job = expect(201, post(owner, "wait=30", {"model": "testkit/noop", "input": {"fail": "fatal"}}))

    assert (job["status"], job["error"]["code"]) == ("failed", "generation_failed")


def test_a_job_that_takes_longer_is_answered_as_it_is(owner: Caller):
    answer = post(owner, "wait=1", SLOW)

    job = expect(202, answer)
    owner.cancel(job["id"])
    assert job["status"] in {"queued", "processing"}
    assert answer.headers["preference-applied"] == "wait=1"
    assert answer.headers["retry-after"] == str(job["poll_after_ms"] // 1000)


@pytest.mark.parametrize("prefer", ["respond-async", "Respond-Async", "foo=1, respond-async; x=y"])
def test_whoever_prefers_not_to_wait_does_not(owner: Caller, prefer: str):
    answer = post(owner, prefer)

    expect(202, answer)
    assert answer.headers["preference-applied"] == "respond-async"


@pytest.mark.parametrize("prefer", ["wait", "wait="])
def test_whoever_does_not_say_how_long_waits_as_long_as_there_is(owner: Caller, prefer: str):
    answer = post(owner, prefer)

    assert expect(201, answer)["status"] == "completed"
    assert answer.headers["preference-applied"] == f"wait={LONGEST_WAIT_SECONDS}"


@pytest.mark.parametrize("prefer", ["wait=-1", "wait=1.5", "wait=soon", "=", "wait=٣", "return=minimal"])
def test_what_cannot_be_read_is_ignored(owner: Caller, prefer: str):
    answer = owner.http.post("/v1/jobs", json=NOOP, headers=[(b"Prefer", prefer.encode())])

    expect(202, answer)
    assert "preference-applied" not in answer.headers


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("wait=10", Preference(wait=10)),
        ('WAIT = "10"', Preference(wait=10)),
        ("wait=10, wait=20", Preference(wait=10)),
        ("respond-async, wait=0", Preference(wait=0, respond_async=True)),
        ("wait", Preference(wait=LONGEST_WAIT_SECONDS)),
        ('wait="", wait=3', Preference(wait=LONGEST_WAIT_SECONDS)),
        ("wait=; now", Preference(wait=LONGEST_WAIT_SECONDS)),
        ("wait=61", Preference(wait=LONGEST_WAIT_SECONDS)),
        ("wait=99999999999999999999", Preference(wait=LONGEST_WAIT_SECONDS)),
        ("foo; bar, wait=5; now", Preference(wait=5)),
        ("", Preference()),
        (",,;=", Preference()),
    ],
)
def test_a_preference_is_read_as_rfc_7240_says(text: str, read: Preference):
    assert preference(text) == read


def test_one_can_wait_for_a_job_that_was_submitted_before(owner: Caller):
    job_id = owner.submit(seconds=0.5)["id"]

    answer = owner.http.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"})

    assert expect(200, answer)["status"] == "completed"
    assert answer.headers["preference-applied"] == "wait=30"


def test_waiting_ends_when_the_job_is_cancelled(owner: Caller):
    job_id = owner.submit(seconds=60)["id"]
    owner.wait(job_id, "processing")
    owner.cancel(job_id)

    assert expect(200, owner.http.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"}))["status"] == "cancelled"


def test_the_answer_under_a_key_is_the_one_that_was_waited_for(owner: Caller):
    first = post(owner, "wait=30", **{"Idempotency-Key": "waited"})
    second = owner.http.post("/v1/jobs", json=NOOP, headers={"Idempotency-Key": "waited"})

    assert first.status_code == second.status_code == 201
    assert second.content == first.content
    assert second.headers["preference-applied"] == "wait=30"
    assert second.headers["idempotency-replayed"] == "true"


def test_whoever_is_cut_off_while_waiting_need_not_wait_for_it_again(owner: Caller, stack: Stack):
    """The request that nobody waits for any more ends soon, and its answer is there for whoever comes again."""
    body = b'{"model":"testkit/noop","input":{"seconds":60}}'
    request = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: reelwork\r\nAuthorization: Bearer {owner.key}\r\nIdempotency-Key: cut\r\n"
        f"Content-Type: application/json\r\nPrefer: wait=60\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", stack.port)) as connection:
        connection.sendall(request + body)
        until(lambda: _records(stack) >= 1)

    headers = {"Idempotency-Key": "cut", "Content-Type": "application/json"}
    until(lambda: owner.http.post("/v1/jobs", content=body, headers=headers).status_code != 409)
    job = expect(202, owner.http.post("/v1/jobs", content=body, headers=headers))
    owner.cancel(job["id"])


def _records(stack: Stack) -> int:
    with stack.documents() as database:
        found: int = database["jobs"].count_documents({"input.seconds": 60, "created_at": {"$gt": _today()}})
    return found


def _today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0)


def test_an_answer_is_held_back_while_others_are_given(owner: Caller):
    job_id = owner.submit(seconds=60)["id"]

    with ThreadPoolExecutor() as threads:
        held = threads.submit(owner.http.get, f"/v1/jobs/{job_id}", headers={"Prefer": "wait=60"})
        others = [owner.http.get(f"/v1/jobs/{job_id}").status_code for _ in range(10)]
        was_held = not held.done()
        owner.cancel(job_id)

    assert others == [200] * 10
    assert was_held
    assert expect(200, held.result())["status"] == "cancelled"


def test_a_state_that_is_known_is_not_sent_again(owner: Caller):
    job_id = owner.wait(owner.submit()["id"])["id"]
    first = owner.http.get(f"/v1/jobs/{job_id}")
    tag = first.headers["etag"]

    known = [tag, f"W/{tag}", f'"other", {tag}', "*"]
    answers = [owner.http.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tags}) for tags in known]

    assert [(answer.status_code, answer.content) for answer in answers] == [(304, b"")] * len(known)
    assert {answer.headers["etag"] for answer in answers} == {tag}


@pytest.mark.parametrize("tags", ['"other"', "", "garbage", '"*"', 'W/"x", "y"'])
def test_other_tags_get_the_job(owner: Caller, tags: str):
    job_id = owner.submit()["id"]

    expect(200, owner.http.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tags}))
    owner.wait(job_id)


def test_every_change_of_a_job_has_another_tag(owner: Caller):
    ahead = owner.submit(seconds=60)["id"]
    owner.wait(ahead, "processing")
    job_id = owner.submit(seconds=60)["id"]
    tags = [owner.http.get(f"/v1/jobs/{job_id}").headers["etag"]]
    owner.cancel(ahead)  # the only worker is free for it
    owner.wait(job_id, "processing")
    tags.append(owner.http.get(f"/v1/jobs/{job_id}").headers["etag"])
    owner.cancel(job_id)
    owner.wait(job_id)

    changed = owner.http.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": ", ".join(tags)})

    assert expect(200, changed)["status"] == "cancelled"
    assert len({*tags, changed.headers["etag"]}) == 3
