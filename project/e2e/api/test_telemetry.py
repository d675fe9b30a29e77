"""What a collector and Sentry hear: one trace from a caller's request over the job's document to the worker and to a
webhook, and the errors of gateway and worker; of neither what callers sent."""

from collections.abc import Iterator
from datetime import timedelta

import httpx2 as httpx
import pytest

from testkit.caller import Json, expect
from testkit.collector import Collector, SeenSpan, running_collector
from testkit.receiver import Receiver, running_receiver
from testkit.sentry import Ingestion, running_ingestion
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

# What a browser or another service sends that traces as well (W3C Trace Context).
CALLERS_TRACE, CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-01"}
SECRET = "a lighthouse that nobody may hear of"
PAINTED = {"prompt": SECRET, "delay_seconds": 0, "failure_rate": 0}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as running:
        yield running


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def ingestion() -> Iterator[Ingestion]:
    with running_ingestion() as running:
        yield running


@pytest.fixture(scope="module")
def stack(
    mongo_url: str, s3: S3Service, amqp_url: str, *, collector: Collector, receiver: Receiver, ingestion: Ingestion
) -> Iterator[Stack]:
    servers = Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")  # spans leave so many milliseconds after their end
        with running_stack(
            servers,
            workers=0,
            otel_endpoint=collector.url,
            sentry_dsn=ingestion.dsn,
            fetch_allow="127.0.0.0/8",
            fetch_plain_http=True,
            fetch_ports=f"443,80,{receiver.port}",
            signing_secret="s" * 32,
        ) as stack:
            stack.start_worker()
            until(lambda: {"testkit/noop", "simulated/image"} <= names(stack), within=timedelta(seconds=90))
            yield stack


def names(stack: Stack) -> set[str]:
    return {model["name"] for model in expect(200, stack.owner.http.get("/v1/models"))["items"]}


def only(collector: Collector, trace: str, name: str) -> SeenSpan:
    until(lambda: collector.of(trace, name), within=timedelta(seconds=30))
    (span,) = collector.of(trace, name)
    return span


def test_gateway_worker_and_webhook_are_one_trace_that_began_at_the_caller(
    stack: Stack, collector: Collector, receiver: Receiver
) -> None:
    body = {
        "model": "simulated/image",
        "input": PAINTED,
        "webhook": {"url": f"{receiver.url}/traced", "events": ["job.completed"]},
    }
    answer = stack.owner.http.post(f"/v1/jobs?note={SECRET}", json=body, headers=TRACEPARENT)
    refused = expect(400, answer)  # there is no such parameter, and its value stays here
    job = expect(202, stack.owner.http.post("/v1/jobs", json=body, headers=TRACEPARENT))
    stack.owner.wait(job["id"], "completed")

    until(lambda: len(collector.of(CALLERS_TRACE, "POST /v1/jobs")) == 2, within=timedelta(seconds=30))
    wrong, request = sorted(
        collector.of(CALLERS_TRACE, "POST /v1/jobs"),
        key=lambda span: span.attributes["http.response.status_code"] == "202",
    )
    run = only(collector, CALLERS_TRACE, "job.run")
    sent = only(collector, CALLERS_TRACE, "webhook.send")
    assert request.service == "reelwork-gateway"
    assert (request.parent, wrong.parent) == (CALLERS_SPAN, CALLERS_SPAN)
    assert wrong.attributes["url.query"] == "REDACTED"
    assert wrong.attributes["reelwork.request_id"] == refused["request_id"]
    assert (run.service, run.parent) == ("reelwork-worker", request.id)
    assert run.attributes["reelwork.job_id"] == job["id"]
    assert run.attributes["reelwork.model"] == "simulated/image"
    assert (sent.service, sent.parent) == ("reelwork-gateway", request.id)
    (heard,) = receiver.at("/traced")
    assert heard.headers["traceparent"] == f"00-{CALLERS_TRACE}-{sent.id}-01"
    for secret in (SECRET, SECRET.replace(" ", "+"), stack.owner.key):
        assert not [body for body in collector.bodies if secret.encode() in body]


def test_the_token_of_a_providers_webhook_stays_here(stack: Stack, collector: Collector) -> None:
    trace, token = "2" * 32, "a-token-that-nobody-may-hear-of"
    headers = {"traceparent": f"00-{trace}-{CALLERS_SPAN}-01"}

    assert httpx.post(f"{stack.base_url}/v1/providers/acme/webhook/job_x/{token}", headers=headers).status_code == 204

    span = only(collector, trace, "POST /v1/providers/{provider}/webhook/{job_id}/{token}")
    assert span.attributes["url.path"] == "/v1/providers/acme/webhook/job_x/REDACTED"
    assert not [body for body in collector.bodies if token.encode() in body]


def test_a_run_that_failed_says_so_by_its_code(stack: Stack, collector: Collector) -> None:
    trace = "1" * 32
    job = {"retry": {"max_attempts": 1}}
    body = {"model": "testkit/noop", "input": {"fail": "bug"}, **job}
    failed = expect(
        202, stack.owner.http.post("/v1/jobs", json=body, headers={"traceparent": f"00-{trace}-{CALLERS_SPAN}-01"})
    )
    stack.owner.wait(failed["id"], "failed")

    run = only(collector, trace, "job.run")
    assert run.failed
    assert run.attributes["error.type"] == "internal_error"


def test_a_caller_that_does_not_trace_gets_a_trace_of_its_own_and_probes_get_none(
    stack: Stack, collector: Collector
) -> None:
    job = stack.owner.submit()
    stack.owner.wait(job["id"])

    def runs() -> list[SeenSpan]:
        return [span for span in collector.spans if span.attributes.get("reelwork.job_id") == job["id"]]

    until(lambda: len(runs()) == 1, within=timedelta(seconds=30))
    request = only(collector, runs()[0].trace, "POST /v1/jobs")
    assert request.parent == ""
    assert not [span for span in collector.spans if "healthz" in span.name]


def test_a_fault_of_the_gateway_is_reported_without_what_the_caller_sent(stack: Stack, ingestion: Ingestion) -> None:
    job = stack.owner.submit("simulated/image", **PAINTED)
    stack.owner.wait(job["id"])
    with stack.documents() as database:  # what it now holds no version can read, and pydantic quotes it when it says so
        database["jobs"].update_one({"_id": job["id"]}, {"$set": {"status": SECRET}})

    with httpx.Client(
        headers=stack.owner.http.headers
    ) as http:  # not under the eyes of who sees to it that there is no 500
        problem = expect(500, http.get(f"{stack.base_url}/v1/jobs/{job['id']}", headers={"X-Note": SECRET}))

    until(lambda: ingestion.of("reelwork-gateway", "request.failed"))
    (event,) = ingestion.of("reelwork-gateway", "request.failed")
    (fault,) = event["exception"]["values"]
    assert event["tags"]["request_id"] == problem["request_id"]
    assert (fault["type"], fault["value"]) == ("ValidationError", "")
    assert [frame["function"] for frame in fault["stacktrace"]["frames"]][-1] == "validate_python"
    assert not {"request", "user", "extra", "breadcrumbs"} & event.keys()
    assert_discreet(stack, ingestion)


def test_a_fault_of_a_model_is_reported_by_the_worker_with_the_job_it_was_in(
    stack: Stack, ingestion: Ingestion
) -> None:
    job = stack.owner.submit(fail="bug", job={"retry": {"max_attempts": 1}})
    stack.owner.wait(job["id"], "failed")

    def told() -> list[Json]:
        found = ingestion.of("reelwork-worker", "model.failed")
        return [event for event in found if event["tags"]["job_id"] == job["id"]]

    until(told)
    (event,) = told()
    (fault,) = event["exception"]["values"]
    assert (fault["type"], fault["value"]) == ("ZeroDivisionError", "")
    assert fault["stacktrace"]["frames"][-1]["function"] == "_fail"
    assert not [frame for frame in fault["stacktrace"]["frames"] if "vars" in frame]
    assert_discreet(stack, ingestion)


def assert_discreet(stack: Stack, ingestion: Ingestion) -> None:
    for secret in (SECRET, stack.owner.key):
        assert not [envelope for envelope in ingestion.envelopes if secret.encode() in envelope]
