"""Every address that must not be fetched, sent over HTTP: refused, and nobody was called."""

from collections.abc import Iterator

import pytest

from testkit.caller import expect
from testkit.forbidden_urls import FORBIDDEN
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.website import Website, running_website

pytestmark = [pytest.mark.slow, pytest.mark.security]


@pytest.fixture(scope="module")
def canary() -> Iterator[Website]:
    """A web site on this machine, whose port stands in the addresses."""
    with running_website() as site:
        yield site


@pytest.fixture(scope="module")
def lax(mongo_url: str, s3: S3Service, canary: Website) -> Iterator[Stack]:
    """A gateway that would call the canary, were it not for the address."""
    lenient = {"fetch_ports": f"443,80,{canary.port}", "fetch_plain_http": True}
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), workers=0, **lenient) as running:
        yield running


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_address_is_refused_without_a_connection(lax: Stack, canary: Website, name: str) -> None:
    url = FORBIDDEN[name].replace("{port}", str(canary.port))

    answer = lax.owner.http.post("/v1/assets/from-url", json={"url": url})

    problem = expect(422, answer)
    assert problem["code"] == "url_refused"
    assert [fault["pointer"] for fault in problem["errors"]] == ["#/url"]
    assert canary.connections == 0
