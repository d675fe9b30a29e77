"""A request that is sent again after a crash has one effect. Stories on RabbitMQ, with a gateway that is killed."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2 as httpx
import pytest

from e2e.api.ledger import check_ended_once
from testkit.caller import expect
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

BODY = {"model": "testkit/noop", "input": {"seconds": 0.1}}
# A gateway that died holds its keys for ten seconds; it is killed four times, and may take long to start.
PATIENCE = timedelta(seconds=240)


def insist(http: httpx.Client, key: str) -> bytes:
    """Send the request until it is answered, whatever happens to the gateway; the answer's body."""
    answers = list[httpx.Response]()

    def answered() -> bool:
        try:
            answers.append(http.post("/v1/jobs", json=BODY, headers={"Idempotency-Key": key}, timeout=10))
        except httpx.TransportError:
            return False
        assert answers[-1].status_code in {202, 409, 503}, answers[-1].text
        return answers[-1].status_code == 202

    until(answered, within=PATIENCE, every=timedelta(milliseconds=300))
    return answers[-1].content


def jobs_with(stack: Stack, tag: str) -> list[str]:
    with stack.documents() as database:
        return [str(job["_id"]) for job in database["jobs"].find({"tags": tag}, {"_id": 1})]


def test_a_gateway_killed_between_insert_and_answer_is_repeated_with_the_same_job(crew: Stack):
    request = {"model": "testkit/noop", "input": {"seconds": 60}, "tags": ["killed"]}
    headers = {"Idempotency-Key": "killed"}
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(crew.owner.http.post, "/v1/jobs", json=request, headers=headers | {"Prefer": "wait=60"})
        until(lambda: jobs_with(crew, "killed") or waiting.done())
        assert not waiting.done(), waiting.result().text

        crew.gateway.kill()
        assert isinstance(waiting.exception(), httpx.TransportError)
    crew.gateway.start()

    owner = crew.with_key(crew.owner.key)
    until(
        lambda: owner.http.post("/v1/jobs", json=request, headers=headers).status_code != 409,
        within=PATIENCE,
    )
    again = owner.http.post("/v1/jobs", json=request, headers=headers)

    assert [expect(202, again)["id"]] == jobs_with(crew, "killed")
    assert again.headers["idempotency-replayed"] == "true"
    owner.cancel(again.json()["id"])


@pytest.mark.timeout(400)
def test_while_the_gateway_is_killed_again_and_again_every_key_makes_one_job(crew: Stack):
    """Twenty keys, three senders each; the gateway dies at random moments, mostly with requests in its hands."""
    keys = [f"storm {number}" for number in range(20)]
    over = threading.Event()
    with crew.documents() as database:
        before = database["jobs"].count_documents({})

    def kill_it_again_and_again() -> None:
        chance = random.Random(7)  # noqa: S311
        for _ in range(4):
            over.wait(chance.uniform(0.05, 0.6))
            crew.gateway.kill()
            crew.gateway.start()

    with ThreadPoolExecutor(61) as threads:
        killing = threads.submit(kill_it_again_and_again)
        answers = list(threads.map(lambda key: insist(crew.owner.http, key), keys * 3))
        over.set()
        killing.result()

    told = {key: {answers[number] for number in range(index, 60, 20)} for index, key in enumerate(keys)}
    assert all(len(bodies) == 1 for bodies in told.values()), "one answer for each key"
    ids = [httpx.Response(200, content=bodies.pop()).json()["id"] for bodies in told.values()]
    with crew.documents() as database:
        assert database["jobs"].count_documents({}) == before + len(keys)
    owner = crew.with_key(crew.owner.key)
    assert {owner.wait(job_id)["status"] for job_id in ids} == {"completed"}
    check_ended_once(crew, ids)
