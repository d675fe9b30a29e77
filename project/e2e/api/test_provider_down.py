"""A provider is down: the next one that the owner allows completes the job, which is charged once. In one process, as
`make run` has it, where a worker of the remote pool runs as soon as there is a provider's key.
"""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from testkit.acme import PICTURE, Acme, running_acme
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = pytest.mark.slow

PRICES = {"acme/backed": {"base": "0.05"}, "spare/picture": {"base": "9.00"}}


@pytest.fixture(scope="module")
def providers() -> Iterator[tuple[Acme, Acme]]:
    with running_acme() as acme, running_acme() as spare, pytest.MonkeyPatch.context() as environment:
        for name, provider in (("ACME", acme), ("SPARE", spare)):
            environment.setenv(f"{name}_API_TOKEN", "secret")
            environment.setenv(f"{name}_BASE_URL", provider.url)
        yield acme, spare


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service, providers: tuple[Acme, Acme]) -> Iterator[Stack]:
    settings = {
        "model_modules": "testkit.models,testkit.acme_models",
        "prices": json.dumps(PRICES),
        "fetch_ports": ",".join(str(urlsplit(provider.url).port) for provider in providers),
        "fetch_plain_http": "true",
        "fetch_allow": "127.0.0.0/8",
    }
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), **settings) as running:
        until(lambda: running.owner.http.get("/v1/models/spare/picture").status_code == 200)
        running.credit("owner", "1.00")
        yield running


def test_the_next_provider_completes_the_job_and_it_is_charged_once(stack: Stack, providers: tuple[Acme, Acme]) -> None:
    acme, spare = providers
    acme.at("POST /v1/tasks", times=99, status=503)

    job = stack.owner.wait(stack.owner.submit("acme/backed", prompt="a fox", job={"fallback": "auto"})["id"])

    assert (job["status"], acme.paid, spare.paid) == ("completed", 0, 1)
    assert [(attempt["model"], attempt["outcome"]) for attempt in job["attempts"]] == [
        ("acme/backed", "failed"),
        ("spare/picture", "completed"),
    ]
    assert stack.owner.content(job["outputs"][0]["asset_id"]) == PICTURE
    until(lambda: stack.owner.job(job["id"])["cost"]["charged"] == "0.0500")
    stack.check_books(settled=True)


def test_a_fallback_that_cannot_stand_in_is_refused_before_anything_is_stored(stack: Stack) -> None:
    before = stack.stored()

    body = {"model": "acme/backed", "input": {"prompt": "a fox"}, "fallback": ["testkit/noop"]}
    answer = stack.owner.http.post("/v1/jobs", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/fallback/0")
    assert not stack.added_since(before)
