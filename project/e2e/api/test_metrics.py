"""What Prometheus finds at the internal ports of a gateway and of a worker with processes of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from run.servers.ports import free_port
from testkit.caller import expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service, amqp_url: str, ports: tuple[int, int]) -> Iterator[Stack]:
    servers = Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url)
    with running_stack(servers, workers=0, metrics_port=ports[0]) as stack:
        stack.start_worker(concurrency=2, metrics_port=ports[1])
        until(lambda: "testkit/noop" in names(stack), within=timedelta(seconds=90))
        yield stack


def names(stack: Stack) -> set[str]:
    return {model["name"] for model in expect(200, stack.owner.http.get("/v1/models"))["items"]}


def read(port: int) -> dict[tuple[str, frozenset[str]], float]:
    """Samples by name and values of labels."""
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.values())): s.value for family in families for s in family.samples}


def total(port: int, name: str, *labels: str) -> float:
    return sum(value for (found, values), value in read(port).items() if found == name and values >= set(labels))


def test_both_sides_of_a_job_are_counted_and_no_address_or_id_becomes_a_label(
    stack: Stack, ports: tuple[int, int]
) -> None:
    gateway, worker = ports
    jobs = [stack.owner.submit() for _ in range(3)]
    for job in jobs:
        stack.owner.wait(job["id"])
    for path in ("/v1/jobs/job_x", "/nope/a", "/nope/b"):
        stack.owner.http.get(path)

    assert total(gateway, "reelwork_http_requests_total", "POST", "/v1/jobs", "202") == 3
    assert total(gateway, "reelwork_http_requests_total", "/v1/jobs/{job_id}", "404") == 1
    assert total(gateway, "reelwork_jobs_accepted_total", "testkit/noop", "cpu", "queued") == 3
    assert total(gateway, "reelwork_http_requests_total", "unmatched", "404") == 2
    assert total(gateway, "reelwork_http_request_seconds_count", "POST", "/v1/jobs") == 3
    assert total(gateway, "reelwork_broker_messages_total", "confirmed") >= 3
    until(lambda: total(worker, "reelwork_attempts_ended_total", "testkit/noop", "cpu", "completed") == 3)
    assert total(worker, "reelwork_claim_seconds_count", "cpu") >= 1
    assert total(worker, "reelwork_job_queue_seconds_count", "cpu") >= 1
    assert total(worker, "reelwork_s3_seconds_count", "ok") >= 1
    seen = {value for port in ports for _, values in read(port) for value in values}
    assert not [value for value in seen if value.startswith(("job_", "acct_", "asset_", "/nope"))]


def test_an_equal_job_is_a_hit_of_the_result_cache_and_one_that_asked_for_another_is_a_miss(
    stack: Stack, ports: tuple[int, int]
) -> None:
    def lookups() -> tuple[float, float]:
        return total(ports[0], "reelwork_result_cache_total", "hit"), total(
            ports[0], "reelwork_result_cache_total", "miss"
        )

    hits, misses = lookups()
    first = stack.owner.submit(seed=71)
    stack.owner.wait(first["id"])
    again = stack.owner.submit(seed=71)
    stack.owner.submit(seed=71, job={"cache": "off"})

    assert again["status"] == "completed"
    assert lookups() == (hits + 1, misses + 1)


def test_the_load_of_each_pool_is_there_without_anybody_asking_for_it(stack: Stack, ports: tuple[int, int]) -> None:
    waiting = [stack.owner.submit(job={"not_before": in_an_hour()}) for _ in range(2)]
    running = [stack.owner.submit(seconds=300, seed=number) for number in range(3)]

    until(lambda: total(ports[0], "reelwork_jobs", "cpu", "running") == 2)
    until(lambda: total(ports[0], "reelwork_jobs", "cpu", "queued") == 1)
    assert total(ports[0], "reelwork_jobs", "cpu", "delayed") == 2
    assert total(ports[0], "reelwork_queue_oldest_seconds", "cpu") > 0
    assert total(ports[0], "reelwork_desired_workers", "cpu") == 2  # one has two places for three jobs
    assert not {name for name, _ in read(ports[1])} & {"reelwork_jobs", "reelwork_desired_workers"}
    for job in (*waiting, *running):
        stack.owner.cancel(job["id"])


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def test_each_process_says_whether_it_is_well_and_nothing_else(stack: Stack, ports: tuple[int, int]) -> None:
    for port in ports:
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok\n"
        assert httpx.get(f"http://127.0.0.1:{port}/v1/jobs").status_code == 404
    assert stack.owner.http.get("/metrics").status_code == 404
