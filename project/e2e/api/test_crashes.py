"""Processes die, freeze and come back: what was accepted is done, once.

Stories on RabbitMQ, with leases of three seconds.
"""

import pytest

from e2e.api.ledger import check_ended_once, check_no_slot_is_held
from testkit import pictures
from testkit.caller import expect
from testkit.stack import Stack
from testkit.standstill import freeze, thaw
from testkit.waiting import until

pytestmark = pytest.mark.slow


def test_a_worker_killed_in_mid_job_is_replaced_and_the_job_completes_once(crew: Stack):
    job_id = crew.owner.submit(seconds=2)["id"]
    first = crew.owner.wait(job_id, "processing")

    crew.workers[0].kill()
    crew.start_worker()

    job = crew.owner.wait(job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost", "completed"]
    assert job["attempts"][0]["error"]["code"] == "worker_lost"
    assert job["attempts"][0]["worker"] == first["attempts"][0]["worker"] != job["attempts"][1]["worker"]
    check_ended_once(crew, [job_id])
    check_no_slot_is_held(crew)


def test_a_film_whose_worker_is_killed_is_made_whole_by_another(crew: Stack):
    owner = crew.owner
    asset = owner.upload(pictures.picture(size=(1600, 1000)))["id"]
    job_id = owner.submit("builtin/camera-move", image=asset, duration_seconds=20, resolution="720p")["id"]
    owner.wait(job_id, "processing")
    until(lambda: owner.job(job_id)["progress"] > 0)

    crew.workers[0].kill()
    crew.start_worker()

    job = owner.wait(job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert len(owner.content(job["outputs"][0]["asset_id"])) == job["outputs"][0]["bytes"]
    check_ended_once(crew, [job_id])


def test_a_worker_that_wakes_after_its_job_went_to_another_changes_nothing(crew: Stack):
    sleeper = crew.workers[0]
    job_id = crew.owner.submit(seconds=2)["id"]
    crew.owner.wait(job_id, "processing")

    freeze(sleeper)
    crew.start_worker()
    job = crew.owner.wait(job_id)
    thaw(sleeper)

    later = crew.owner.wait(crew.owner.submit()["id"])
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert later["status"] == "completed"
    assert crew.owner.job(job_id) == job
    check_ended_once(crew, [job_id])
    check_no_slot_is_held(crew)
    sleeper.kill()


def test_a_worker_that_wakes_while_another_runs_its_job_cannot_finish_it(crew: Stack):
    sleeper = crew.workers[0]
    job_id = crew.owner.submit(seconds=4)["id"]
    until(lambda: crew.owner.job(job_id)["progress"] > 0.5)

    freeze(sleeper)
    crew.start_worker()
    until(lambda: crew.owner.job(job_id)["attempt"] == 2)
    thaw(sleeper)  # it has half as much to do as the other one

    job = crew.owner.wait(job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost", "completed"]
    (kept,) = check_ended_once(crew, [job_id])
    with crew.documents() as database:
        result = database["assets"].find_one({"_id": kept["outputs"][0]["asset_id"]})
    assert result["attempt"] == 2
    check_no_slot_is_held(crew)
    sleeper.kill()


def test_a_job_that_kills_its_worker_is_given_up_after_three_attempts_and_others_go_on(crew: Stack):
    poison = crew.owner.submit(crash=True)["id"]
    others = [crew.owner.submit()["id"] for _ in range(5)]

    ends = [crew.owner.wait(job_id)["status"] for job_id in others]
    given_up = crew.owner.wait(poison)

    assert ends == ["completed"] * 5
    assert (given_up["status"], given_up["attempt"]) == ("failed", 3)
    assert given_up["error"]["code"] == "worker_lost"
    assert [attempt["outcome"] for attempt in given_up["attempts"]] == ["lost"] * 3
    assert all(attempt["worker"] and attempt["started_at"] < attempt["ended_at"] for attempt in given_up["attempts"])
    check_ended_once(crew, [poison, *others])


def test_a_job_that_outlives_its_deadline_with_its_worker_fails_for_the_deadline(crew: Stack):
    crew.owner.wait(crew.owner.submit()["id"])  # the worker of the test before may still be starting
    job_id = crew.owner.submit(seconds=60, job={"deadline_seconds": 2.5})["id"]  # before its lease ends
    crew.owner.wait(job_id, "processing")

    crew.workers[0].kill()
    crew.start_worker()

    job = crew.owner.wait(job_id)
    assert (job["status"], job["error"]["code"], job["attempt"]) == ("failed", "deadline_exceeded", 1)
    check_ended_once(crew, [job_id])
    check_no_slot_is_held(crew)


def test_jobs_wait_for_a_worker_when_there_is_none(crew: Stack):
    for worker in crew.workers:
        worker.kill()
    waiting = [crew.owner.submit()["id"] for _ in range(3)]

    assert {crew.owner.job(job_id)["status"] for job_id in waiting} == {"queued"}
    crew.start_worker()

    for job_id in waiting:
        assert crew.owner.wait(job_id)["status"] == "completed"


def test_a_waiting_job_that_was_cancelled_does_not_run_when_a_worker_comes(crew: Stack):
    for worker in crew.workers:
        worker.kill()
    job_id = crew.owner.submit()["id"]
    assert crew.owner.cancel(job_id)["status"] == "cancelled"
    after = crew.owner.submit()["id"]

    crew.start_worker()

    assert crew.owner.wait(after)["status"] == "completed"
    (job,) = check_ended_once(crew, [job_id])
    assert (job["status"], job["attempt"]) == ("cancelled", 0)


def test_what_a_killed_gateway_had_accepted_is_done(crew: Stack):
    accepted = [crew.owner.submit(seconds=0.2)["id"] for _ in range(10)]

    crew.gateway.kill()
    crew.gateway.start()

    owner = crew.with_key(crew.owner.key)
    for job_id in accepted:
        assert owner.wait(job_id)["status"] == "completed"
    check_ended_once(crew, accepted)


def test_a_gateway_that_starts_anew_knows_everything_as_before(crew: Stack):
    asset = crew.owner.upload(pictures.picture())
    job = crew.owner.wait(crew.owner.submit()["id"])
    running = crew.owner.submit(seconds=3)["id"]
    before = crew.stored()

    crew.gateway.restart()

    owner = crew.with_key(crew.owner.key)
    assert owner.job(job["id"]) == job
    assert expect(200, owner.http.get(f"/v1/assets/{asset['id']}")) == asset
    assert owner.content(asset["id"]) == pictures.picture()
    assert owner.wait(running)["attempt"] == 1, "workers do not need the gateway"
    assert crew.stored().jobs == before.jobs


def test_a_stream_that_a_stopping_gateway_ends_goes_on_at_the_next_one(crew: Stack):
    job_id = crew.owner.submit(seconds=6)["id"]
    crew.owner.wait(job_id, "processing")

    with crew.owner.stream(job_id) as frames:
        told = [next(frames)]
        crew.gateway.stop()
        told += list(frames)
    crew.gateway.start()
    seen = [frame.id for frame in told if frame.id]
    with crew.with_key(crew.owner.key).stream(job_id, headers={"Last-Event-ID": seen[-1]}) as frames:
        rest = [frame.id for frame in frames if frame.id]

    assert seen + rest == ["1", "2", "3"]
