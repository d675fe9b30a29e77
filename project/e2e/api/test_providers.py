"""Jobs that a provider works on, over a whole Reelwork whose workers are killed: paid for once, and completed.

The provider is a real server that counts what it was paid for; leases last three seconds.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from e2e.api.ledger import check_ended_once, check_no_slot_is_held
from run.servers.process import Server
from testkit.acme import PICTURE, Acme, running_acme
from testkit.stack import Stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

Hire = Callable[[], Server]


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[Acme]:
    with running_acme() as running:
        monkeypatch.setenv("ACME_API_TOKEN", "secret")
        monkeypatch.setenv("ACME_BASE_URL", running.url)
        yield running


@pytest.fixture
def hire(crew: Stack, acme: Acme) -> Iterator[Hire]:
    """Starts a worker of the remote pool; those that still run at the end are gone with the test."""
    before = list(crew.workers)

    def start() -> Server:
        worker = crew.start_worker(
            concurrency=2,
            pool="remote",
            model_modules="testkit.acme_models",
            fetch_ports=str(urlsplit(acme.url).port),
            fetch_plain_http="true",
            fetch_allow="127.0.0.0/8",
        )
        until(lambda: "acme/picture" in [model["name"] for model in _models(crew)])
        return worker

    yield start
    for worker in crew.workers:
        if worker not in before:
            worker.kill()
    crew.workers[:] = before


def _models(crew: Stack) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = crew.owner.http.get("/v1/models").json()["items"]
    return items


def _handle(crew: Stack, job_id: str) -> str | None:
    with crew.documents() as database:
        remote = database["jobs"].find_one({"_id": job_id})["remote"]
    return remote["handle"] if remote else None


def test_a_worker_killed_between_accept_and_first_look_costs_nothing_twice(crew: Stack, acme: Acme, hire: Hire):
    acme.instant = None
    worker = hire()
    job_id = crew.owner.submit("acme/picture", prompt="a fox")["id"]
    until(lambda: _handle(crew, job_id))

    worker.kill()
    acme.finish()
    hire()

    job = crew.owner.wait(job_id)
    assert (job["status"], job["attempt"], acme.paid) == ("completed", 1, 1)
    assert crew.owner.content(job["outputs"][0]["asset_id"]) == PICTURE
    check_ended_once(crew, [job_id])
    check_no_slot_is_held(crew)


def test_a_worker_killed_before_it_heard_the_answer_does_not_ask_twice(crew: Stack, acme: Acme, hire: Hire):
    acme.gate.clear()
    worker = hire()
    traced, other = [crew.owner.submit(model, prompt="a fox")["id"] for model in ("acme/traced", "acme/picture")]
    until(lambda: acme.paid == 2)

    worker.kill()
    acme.gate.set()
    hire()

    found, unknown = crew.owner.wait(traced), crew.owner.wait(other)
    assert (found["status"], found["attempt"]) == ("completed", 1)
    assert (unknown["status"], unknown["error"]["code"]) == ("failed", "submission_unknown")
    assert acme.paid == 2
    check_ended_once(crew, [traced, other])
    check_no_slot_is_held(crew)
