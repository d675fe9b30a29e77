"""RabbitMQ stops, freezes and restarts: submits are accepted all the same, and every job ends once."""

from collections.abc import Iterator

import pytest

from e2e.api.ledger import check_ended_once, check_no_slot_is_held
from reelwork.domain.account import Scope
from testkit.caller import Json, expect
from testkit.services import S3Service, UrlService
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reelwork(mongo_url: str, s3: S3Service, broker: UrlService) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3, amqp_url=broker.url)) as stack:
        yield stack


def test_without_rabbitmq_jobs_are_accepted_and_run_when_it_is_back(reelwork: Stack, broker: UrlService):
    owner = reelwork.owner
    broker.stop()
    until(lambda: owner.http.get("/readyz").json()["status"] == "degraded")

    accepted = [owner.submit()["id"] for _ in range(10)]
    report = expect(200, owner.http.get("/readyz"))

    broker.start()
    assert report["components"]["broker"]["status"] == "down"
    for job_id in accepted:
        assert owner.wait(job_id)["status"] == "completed"
    check_ended_once(reelwork, accepted)
    until(lambda: owner.http.get("/readyz").json()["status"] == "ready")


def test_a_restart_of_rabbitmq_in_mid_load_loses_and_doubles_nothing(reelwork: Stack, broker: UrlService):
    owner = reelwork.owner
    accepted = [owner.submit(seconds=0.1)["id"] for _ in range(20)]
    until(lambda: owner.job(accepted[2])["status"] == "completed")

    broker.kill()
    accepted += [owner.submit(seconds=0.1)["id"] for _ in range(10)]
    broker.start()
    accepted += [owner.submit(seconds=0.1)["id"] for _ in range(10)]

    for job_id in accepted:
        assert owner.wait(job_id)["status"] == "completed"
    check_ended_once(reelwork, accepted)
    check_no_slot_is_held(reelwork)


def test_a_frozen_rabbitmq_holds_up_no_submit(reelwork: Stack, broker: UrlService):
    owner = reelwork.owner
    owner.wait(owner.submit()["id"])
    broker.pause()

    accepted = [owner.submit()["id"] for _ in range(10)]
    cancelled = owner.cancel(accepted.pop())

    broker.resume()
    assert cancelled["is_terminal"]
    for job_id in accepted:
        assert owner.wait(job_id)["status"] == "completed"
    check_ended_once(reelwork, accepted)


def test_a_stream_goes_on_through_a_restart_of_rabbitmq(reelwork: Stack, broker: UrlService):
    owner = reelwork.owner
    job_id = owner.submit(seconds=3)["id"]
    owner.wait(job_id, "processing")

    with owner.stream(job_id) as frames:
        next(frames)
        broker.restart()
        told = [frame.id for frame in frames if frame.id]

    assert told == ["1", "2", "3"]
    assert owner.job(job_id)["attempt"] == 1


def test_a_worker_that_drains_takes_nothing_when_rabbitmq_is_back_until_it_is_called(
    reelwork: Stack, broker: UrlService
):
    operator, (worker,) = reelwork.caller("operator", scopes=frozenset(Scope)), reelwork.workers

    def listed() -> Json:
        (entry,) = expect(200, operator.http.get("/v1/admin/workers"))["items"]
        return entry

    def connections() -> int:
        return worker.log.read_text().count("Connected to amqp")

    operator.http.post(f"/v1/admin/workers/{listed()['id']}/drain")
    until(lambda: listed()["drained"])
    before = connections()
    broker.restart()
    until(lambda: connections() > before)
    until(lambda: operator.http.get("/readyz").json()["status"] == "ready")
    job_id = reelwork.owner.submit()["id"]
    waiting = (reelwork.owner.job(job_id)["status"], listed()["state"])

    operator.http.post(f"/v1/admin/workers/{listed()['id']}/undrain")

    assert waiting == ("queued", "draining")
    assert reelwork.owner.wait(job_id)["status"] == "completed"
