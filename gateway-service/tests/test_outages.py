"""MongoDB or S3 away: the gateway says so in a problem, accepts nothing that it could lose, and recovers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx2 as httpx
import pytest

from testkit import pictures
from testkit.caller import expect
from testkit.services import S3Service, UrlService, running_mongod, running_s3
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_servers() -> Iterator[tuple[Stack, UrlService, S3Service]]:
    """A Reelwork on servers of its own."""
    with running_mongod() as mongod, running_s3() as s3, running_stack(Servers(mongo_url=mongod.url, s3=s3)) as stack:
        yield stack, mongod, s3


@pytest.fixture
def fragile(own_servers: tuple[Stack, UrlService, S3Service]) -> Iterator[tuple[Stack, UrlService, S3Service]]:
    """The same, with servers that run before and after each test."""
    _, mongod, s3 = own_servers
    yield own_servers
    mongod.start()
    s3.start()


def test_without_mongodb_nothing_is_accepted_and_afterwards_all_goes_on(
    fragile: tuple[Stack, UrlService, S3Service],
):
    stack, mongod, _ = fragile
    owner = stack.owner
    kept = owner.wait(owner.submit()["id"])
    mongod.kill()

    report, alive, *refused = _at_once(
        lambda: owner.http.get("/readyz"),
        lambda: owner.http.get("/healthz"),
        lambda: owner.http.post("/v1/jobs", json={"model": "testkit/noop"}),
        lambda: owner.http.post("/v1/assets", files={"file": pictures.picture(size=(8, 8))}),
        lambda: owner.http.post("/api/v1/task", files={"file": pictures.picture(size=(8, 8))}),
        lambda: owner.http.get("/v1/jobs"),
        lambda: owner.http.get(kept["urls"]["self"]),
        lambda: owner.http.post(kept["urls"]["cancel"]),
        lambda: owner.http.get("/v1/assets"),
    )

    mongod.start()
    assert expect(503, report)["status"] == "down"
    assert report.json()["components"]["mongodb"]["status"] == "down"
    assert report.json()["components"]["mongodb"]["detail"]
    assert alive.status_code == 200
    for answer in refused:
        problem = expect(503, answer)
        assert (problem["code"], problem["retryable"]) == ("store_unavailable", True)
        assert int(answer.headers["retry-after"]) == problem["retry_after"] > 0
    until(lambda: owner.http.get("/readyz").json()["status"] == "ready")
    assert owner.job(kept["id"]) == kept
    assert stack.stored().jobs == {kept["id"]}
    assert owner.wait(owner.submit()["id"])["status"] == "completed"


def test_a_stream_outlives_an_outage_of_mongodb(fragile: tuple[Stack, UrlService, S3Service]):
    stack, mongod, _ = fragile
    owner = stack.owner
    job_id = owner.submit(seconds=2)["id"]

    with owner.stream(job_id) as frames:
        first = next(frames)
        mongod.kill()
        until(lambda: "streams.not_looked" in stack.gateway.log.read_text())
        mongod.start()
        told = [frame.event for frame in frames if frame.id]

    assert first.event == "snapshot"
    assert told == [event["type"] for event in owner.events(job_id)]
    assert told[-1] == "job.completed"


def test_without_s3_uploads_are_refused_while_jobs_can_be_read(fragile: tuple[Stack, UrlService, S3Service]):
    stack, _, s3 = fragile
    owner = stack.owner
    asset = owner.upload(pictures.picture(size=(8, 8)))
    before = stack.stored()
    s3.kill()

    report = owner.http.get("/readyz")
    upload = owner.http.post("/v1/assets", files={"file": pictures.picture(size=(8, 8))})
    content = owner.http.get(f"/v1/assets/{asset['id']}/content?proxy=true")
    jobs = owner.http.get("/v1/jobs")
    assets = owner.http.get("/v1/assets")

    s3.start()
    assert expect(503, report)["components"]["s3"]["status"] == "down"
    for answer in (upload, content):
        problem = expect(503, answer)
        assert (problem["code"], problem["retryable"]) == ("storage_unavailable", True)
        assert int(answer.headers["retry-after"]) > 0
    assert jobs.status_code == 200
    assert expect(200, assets)["items"][0]["id"] == asset["id"]
    until(lambda: owner.http.get("/readyz").json()["status"] == "ready", within=timedelta(seconds=60))
    assert stack.stored().objects == before.objects
    assert owner.upload(pictures.picture(size=(8, 8)))["id"]


def test_a_gateway_that_starts_while_s3_is_away_serves_all_that_needs_no_s3(
    fragile: tuple[Stack, UrlService, S3Service],
):
    stack, _, s3 = fragile
    kept = stack.owner.wait(stack.owner.submit()["id"])
    s3.kill()

    stack.gateway.restart()
    owner = stack.with_key(stack.owner.key)
    job = owner.job(kept["id"])
    accepted = owner.submit()["id"]

    s3.start()
    assert job == kept
    assert owner.wait(accepted)["status"] == "completed"


def _at_once(*requests: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(lambda request: request(), requests))
