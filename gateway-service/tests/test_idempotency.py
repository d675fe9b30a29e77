"""The same request again under the same `Idempotency-Key`: the same answer to the byte, and nothing is done twice."""

import itertools
import json
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest

from testkit.caller import Caller, Json, expect
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.security

NOOP = {"model": "testkit/noop", "input": {}}
_numbers = itertools.count()


@pytest.fixture
def key() -> str:
    return f"order {next(_numbers)}: {random.random()}"  # noqa: S311


def post(caller: Caller, key: str, body: object = NOOP, path: str = "/v1/jobs", **headers: str) -> httpx.Response:
    return caller.http.post(path, json=body, headers={"Idempotency-Key": key, **headers})


def record(stack: Stack, change: Json | None = None) -> Json:
    """The newest record of a keyed request; `change` is made to it first."""
    with stack.documents() as database:
        (newest,) = database["idempotency"].find().sort("expires_at", -1).limit(1)
        if change is not None:
            database["idempotency"].update_one({"_id": newest["_id"]}, change)
    return newest


def test_the_stored_answer_is_given_again_byte_for_byte(owner: Caller, key: str):
    first = post(owner, key)
    owner.wait(first.json()["id"])
    second = post(owner, key)

    assert first.status_code == second.status_code == 202
    assert second.content == first.content
    for name in ("location", "retry-after", "content-type"):
        assert second.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


def test_another_deadline_in_the_header_is_another_request(owner: Caller, key: str):
    assert post(owner, key, **{"Cancel-After": "60"}).status_code == 202

    assert expect(422, post(owner, key, **{"Cancel-After": "90"}))["code"] == "idempotency_key_mismatch"
    assert post(owner, key, **{"Cancel-After": "60"}).headers["idempotency-replayed"] == "true"


def test_another_body_under_the_same_key_is_refused_and_stores_nothing(stack: Stack, owner: Caller, key: str):
    owner.wait(post(owner, key).json()["id"])
    before = stack.stored()

    problem = expect(422, post(owner, key, NOOP | {"tags": ["other"]}))

    assert problem["code"] == "idempotency_key_mismatch"
    assert problem["errors"][0]["pointer"] == "header:idempotency-key"
    assert not stack.added_since(before)


def test_while_the_first_is_under_way_the_second_is_told_to_come_back(stack: Stack, owner: Caller, key: str):
    first = post(owner, key)
    later = datetime.now(UTC) + timedelta(minutes=1)
    record(stack, {"$set": {"state": "running", "answer": None, "leased_until": later}})

    answer = post(owner, key)

    problem = expect(409, answer)
    assert (problem["code"], problem["retryable"], problem["retry_after"]) == ("idempotency_in_progress", True, 1)
    assert answer.headers["retry-after"] == "1"
    assert first.status_code == 202


def test_whoever_comes_after_a_gateway_that_died_before_it_stored_the_job_goes_on_with_its_id(
    stack: Stack, owner: Caller, key: str
):
    refused = post(owner, key, NOOP | {"model": "testkit/none"})
    assert refused.status_code == 404
    first = post(owner, key)
    dead = {"state": "running", "answer": None, "leased_until": datetime.now(UTC) - timedelta(seconds=1)}
    record(stack, {"$set": dead})
    with stack.documents() as database:
        database["jobs"].delete_one({"_id": first.json()["id"]})

    second = post(owner, key)

    assert expect(202, second)["id"] == first.json()["id"]
    assert "idempotency-replayed" not in second.headers
    assert post(owner, key).content == second.content


def test_whoever_comes_after_a_gateway_that_died_before_it_answered_gets_the_job_that_is_there(
    stack: Stack, owner: Caller, key: str
):
    first = owner.wait(post(owner, key).json()["id"])
    dead = {"state": "running", "answer": None, "leased_until": datetime.now(UTC) - timedelta(seconds=1)}
    record(stack, {"$set": dead})

    second = expect(202, post(owner, key))

    assert second == first
    assert post(owner, key).json() == first


@pytest.mark.parametrize(
    ("body", "status"),
    [(NOOP | {"model": "testkit/none"}, 404), (NOOP | {"input": {"seconds": -1}}, 422), ({}, 422), ([], 422)],
)
def test_a_request_that_is_refused_does_not_use_its_key_up(owner: Caller, key: str, body: object, status: int):
    refused = post(owner, key, body)

    accepted = post(owner, key)

    assert (refused.status_code, accepted.status_code) == (status, 202)
    assert "idempotency-replayed" not in accepted.headers


def test_a_key_belongs_to_its_account_and_its_address(owner: Caller, stranger: Caller, key: str):
    first = expect(202, post(owner, key))
    owner.wait(first["id"])

    others = expect(202, post(stranger, key))
    elsewhere = expect(409, post(owner, key, {}, path=f"/v1/jobs/{first['id']}/retry"))

    assert others["id"] != first["id"]
    assert elsewhere["code"] == "invalid_state"


@pytest.mark.parametrize("bad", ["", "x" * 256, "tab\there", "caf\xe9"])
def test_a_key_that_is_none_is_refused_by_name(owner: Caller, bad: str):
    answer = owner.http.post("/v1/jobs", json=NOOP, headers=[(b"Idempotency-Key", bad.encode("latin-1"))])

    problem = expect(400, answer)
    assert problem["errors"][0]["pointer"] == "header:idempotency-key"


def test_two_keys_are_none(owner: Caller):
    problem = expect(
        400, owner.http.post("/v1/jobs", json=NOOP, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    )

    assert problem["errors"][0]["pointer"] == "header:idempotency-key"


@pytest.mark.parametrize("longest", ["~" * 255, "a b", '"quoted"', "$ne.{}"])
def test_any_printable_text_is_a_key(owner: Caller, longest: str):
    assert post(owner, longest).content == post(owner, longest).content


def test_keys_are_kept_for_a_day(stack: Stack, owner: Caller, key: str):
    post(owner, key)

    left = record(stack)["expires_at"] - datetime.now(UTC)
    with stack.documents() as database:
        index = database["idempotency"].index_information()["expiry"]

    assert timedelta(hours=23) < left <= timedelta(hours=24, minutes=1)
    assert index["expireAfterSeconds"] == 0


def test_a_key_that_is_older_is_free_even_before_mongodb_removes_it(stack: Stack, owner: Caller, key: str):
    first = expect(202, post(owner, key))
    record(stack, {"$set": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}})

    assert expect(202, post(owner, key, NOOP | {"tags": ["new"]}))["id"] != first["id"]


def test_a_request_without_a_key_leaves_no_record(stack: Stack, owner: Caller):
    def count() -> int:
        with stack.documents() as database:
            return database["idempotency"].count_documents({})

    before = count()
    owner.submit()

    assert count() == before


def test_a_retry_can_be_repeated_under_a_key(owner: Caller, key: str):
    job_id = owner.wait(owner.submit(fail="fatal")["id"])["id"]
    path = f"/v1/jobs/{job_id}/retry"

    first = post(owner, key, {}, path=path)
    owner.wait(job_id)
    second = post(owner, key, {}, path=path)

    assert expect(202, first)["status"] == "queued"
    assert second.content == first.content
    assert [event["type"] for event in owner.events(job_id)].count("job.retried") == 1


def test_fifty_at_once_that_are_cut_off_at_random_make_one_job_and_get_one_answer(
    stack: Stack, owner: Caller, key: str
):
    """Real connections, closed before, while and after the request is read; whoever got no answer comes again."""
    with stack.documents() as database:
        before = database["jobs"].count_documents({})
    body = json.dumps(NOOP | {"metadata": {"filler": "x" * 400}})
    chance = random.Random(key)  # noqa: S311
    whens = [chance.choice([None, 0.0, chance.uniform(0, 0.03), chance.uniform(0, 0.2)]) for _ in range(50)]

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda when: _insist(stack, owner.key, key, body, cut_after=when), whens))

    assert len(answers) == 50
    assert len(set(answers)) == 1
    with stack.documents() as database:
        assert database["jobs"].count_documents({}) == before + 1
        assert database["jobs"].count_documents({"_id": json.loads(answers[0])["id"]}) == 1


def _insist(stack: Stack, api_key: str, key: str, body: str, *, cut_after: float | None) -> bytes:
    """The body of a complete answer. The first connection is cut after so many seconds; 409 is asked again."""
    request = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: reelwork\r\nAuthorization: Bearer {api_key}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()
    if cut_after is not None:
        _cut(stack.port, request, cut_after)
    answers = list[tuple[int, bytes]]()

    def answered() -> bool:
        answers.append(_exchange(stack.port, request))
        assert answers[-1][0] in {202, 409}, answers[-1]
        return answers[-1][0] == 202

    until(answered, within=timedelta(seconds=60))
    return answers[-1][1]


def _cut(port: int, request: bytes, after: float) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        sent = len(request) if after else len(request) // 2
        connection.sendall(request[:sent])
        connection.settimeout(after or 0.001)
        try:
            connection.recv(1 << 16)
        except TimeoutError:
            return


def _exchange(port: int, request: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), content
