"""Workers come and go in order: what they run ends or goes to another, and a deploy costs no job an attempt.

Stories on RabbitMQ, with workers as processes of their own.
"""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from e2e.api.ledger import check_ended_once, check_no_slot_is_held
from reelwork.domain.account import Scope
from run.servers.process import Server
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

LONG, SHORT = 60, 0.5  # seconds to end what runs


@pytest.fixture(scope="module")
def fleet(mongo_url: str, s3: S3Service, amqp_url: str) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url)) as stack:
        yield stack


@pytest.fixture
def crew(fleet: Stack) -> Stack:
    """A Reelwork without any worker."""
    for worker in fleet.workers:
        worker.kill()
    fleet.workers.clear()
    return fleet


@pytest.fixture(scope="module")
def operator(fleet: Stack) -> Caller:
    """Whoever runs the installation."""
    return fleet.caller("operator", scopes=frozenset(Scope))


@pytest.fixture
def listed(operator: Caller) -> Callable[[Server], Json]:
    """A worker as the list shows it, once it is there."""

    def entry(worker: Server) -> Json:
        def find() -> Json | None:
            items = expect(200, operator.http.get("/v1/admin/workers", params={"limit": 100}))["items"]
            return next((item for item in items if item["pid"] == worker.pid), None)

        until(find)
        found = find()
        assert found is not None
        return found

    return entry


def is_told(crew: Stack, worker: Server, what: str) -> bool:
    return what in worker.log.read_text()


def test_a_worker_that_is_stopped_lets_its_job_end_and_takes_no_other(crew: Stack):
    first = crew.start_worker(drain_seconds=LONG)
    running = crew.owner.submit(seconds=3)["id"]
    crew.owner.wait(running, "processing")

    os.kill(first.pid, signal.SIGTERM)
    waiting = crew.owner.submit()["id"]
    assert first.wait()

    job = crew.owner.job(running)
    assert (job["status"], job["attempt"], first.returncode) == ("completed", 1, 0)
    assert crew.owner.job(waiting)["status"] == "queued"
    crew.start_worker()
    assert crew.owner.wait(waiting)["status"] == "completed"
    check_ended_once(crew, [running, waiting])
    check_no_slot_is_held(crew)


def test_a_job_that_does_not_end_in_time_is_handed_back_and_costs_no_attempt(crew: Stack):
    first = crew.start_worker(drain_seconds=SHORT)
    job_id = crew.owner.submit(seconds=6)["id"]
    crew.owner.wait(job_id, "processing")
    before = crew.owner.job(job_id)["attempts"][0]["worker"]
    crew.start_worker()

    first.stop()

    assert first.returncode == 0
    job = crew.owner.wait(job_id)
    assert (job["status"], job["attempt"]) == ("completed", 1)
    assert job["attempts"][0]["worker"] != before
    types = [event["type"] for event in crew.owner.events(job_id)]
    assert types == ["job.queued", "job.processing", "job.queued", "job.processing", "job.completed"]
    check_ended_once(crew, [job_id])
    check_no_slot_is_held(crew)


def test_a_second_signal_ends_a_worker_at_once_and_leases_do_the_rest(crew: Stack):
    first = crew.start_worker(drain_seconds=LONG)
    job_id = crew.owner.submit(seconds=4)["id"]
    crew.owner.wait(job_id, "processing")

    os.kill(first.pid, signal.SIGTERM)
    until(lambda: not first.running or os.kill(first.pid, signal.SIGTERM))
    crew.start_worker()

    job = crew.owner.wait(job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    check_no_slot_is_held(crew)


def test_a_signal_to_all_processes_of_a_worker_loses_nothing_either(crew: Stack):
    """As systemd and some supervisors send it."""
    first = crew.start_worker(drain_seconds=LONG)
    job_id = crew.owner.submit(seconds=5)["id"]
    crew.owner.wait(job_id, "processing")

    os.killpg(first.pid, signal.SIGTERM)
    assert first.wait()
    crew.start_worker()

    job = crew.owner.wait(job_id)
    assert (job["status"], job["attempt"]) == ("completed", 1)
    check_ended_once(crew, [job_id])


def test_an_orderly_stop_leaves_no_files_and_says_good_bye(crew: Stack, listed: Callable[[Server], Json], operator):
    first = crew.start_worker(concurrency=2, drain_seconds=SHORT)
    entry = listed(first)
    job_id = crew.owner.submit(seconds=30)["id"]
    crew.owner.wait(job_id, "processing")
    assert list(crew.scratch.iterdir())

    first.stop()

    assert list(crew.scratch.iterdir()) == []
    assert expect(200, operator.http.get(f"/v1/admin/workers/{entry['id']}"))["state"] == "gone"
    crew.owner.cancel(job_id)


def test_a_worker_that_was_told_to_drain_lives_on_and_leaves_jobs_to_others(
    crew: Stack, operator: Caller, listed: Callable[[Server], Json]
):
    first = crew.start_worker()
    worker_id = listed(first)["id"]
    running = crew.owner.submit(seconds=3)["id"]
    crew.owner.wait(running, "processing")

    told = expect(200, operator.http.post(f"/v1/admin/workers/{worker_id}/drain"))
    again = expect(200, operator.http.post(f"/v1/admin/workers/{worker_id}/drain"))
    assert (told["state"], again["state"]) == ("draining", "draining")
    until(lambda: is_told(crew, first, "worker.draining"))
    waiting = [crew.owner.submit()["id"] for _ in range(5)]
    until(lambda: listed(first)["drained"])

    empty = listed(first)
    assert (empty["state"], empty["jobs_running"], empty["jobs_done"] > 0) == ("draining", 0, True)
    assert crew.owner.job(running)["status"] == "completed"
    assert {crew.owner.job(job_id)["status"] for job_id in waiting} == {"queued"}
    crew.start_worker()
    ends = [crew.owner.wait(job_id) for job_id in waiting]
    assert {end["status"] for end in ends} == {"completed"}
    assert first.running
    check_ended_once(crew, [running, *waiting])


def test_a_worker_that_is_called_back_takes_the_ticket_that_it_left(
    crew: Stack, operator: Caller, listed: Callable[[Server], Json]
):
    only = crew.start_worker()
    worker_id = listed(only)["id"]
    operator.http.post(f"/v1/admin/workers/{worker_id}/drain")
    until(lambda: listed(only)["drained"])
    job_id = crew.owner.submit()["id"]

    back = expect(200, operator.http.post(f"/v1/admin/workers/{worker_id}/undrain"))

    assert (back["state"], back["drained"]) == ("ready", False)
    assert crew.owner.wait(job_id)["status"] == "completed"


def test_a_worker_that_was_killed_is_listed_as_lost(crew: Stack, operator: Caller, listed: Callable[[Server], Json]):
    first = crew.start_worker()
    worker_id = listed(first)["id"]

    first.kill()

    def is_lost() -> bool:
        lost = expect(200, operator.http.get("/v1/admin/workers", params={"state": "lost", "limit": 100}))["items"]
        return worker_id in [worker["id"] for worker in lost]

    until(is_lost)
    ready = expect(200, operator.http.get("/v1/admin/workers", params={"state": "ready", "limit": 100}))["items"]
    assert worker_id not in [worker["id"] for worker in ready]


def test_a_deploy_under_load_loses_nothing_and_costs_no_attempt(crew: Stack):
    """Every worker is replaced, one after the other, while short and long jobs run."""
    for _ in range(2):
        crew.start_worker(drain_seconds=SHORT)
    jobs = [crew.owner.submit(seconds=seconds)["id"] for seconds in (2, 0, 0.3, 0) * 6]
    crew.owner.wait(jobs[0], "processing")

    for old in list(crew.workers):
        crew.start_worker(drain_seconds=SHORT)
        old.stop()
        assert old.returncode == 0

    ends = [crew.owner.wait(job_id) for job_id in jobs]
    assert {(end["status"], end["attempt"]) for end in ends} == {("completed", 1)}
    check_ended_once(crew, jobs)
    check_no_slot_is_held(crew)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reelwork_in_one_process_that_is_stopped_hands_its_job_back(
    mongo_url: str, s3: S3Service, number: signal.Signals
):
    """As Ctrl-C of `make run` does, without RabbitMQ."""
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), drain_seconds=SHORT) as stack:
        job_id = stack.owner.submit(seconds=5)["id"]
        stack.owner.wait(job_id, "processing")

        os.kill(stack.gateway.pid, number)
        assert stack.gateway.wait()

        with stack.documents() as database:
            job = database["jobs"].find_one({"_id": job_id})
            (worker,) = database["workers"].find()
        assert (stack.gateway.returncode, job["status"], job["attempt"], worker["gone"]) == (0, "queued", 0, True)
        assert list(stack.scratch.iterdir()) == []
        stack.gateway.start()
        done = stack.with_key(stack.owner.key).wait(job_id)
        assert (done["status"], done["attempt"]) == ("completed", 1)
        check_ended_once(stack, [job_id])
