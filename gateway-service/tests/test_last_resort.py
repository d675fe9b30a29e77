"""What nobody foresaw: the caller gets a request id to quote and no word of the cause."""

import httpx2 as httpx
import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.settings import GatewaySettings

pytestmark = pytest.mark.security

FRIEND = "https://friend.example"
CAUSE = "the password is hunter2"


@pytest.fixture
def settings() -> GatewaySettings:
    nowhere = SecretStr("none")
    return GatewaySettings(
        mongo_url=nowhere,
        broker_url=nowhere,
        s3_endpoint_url="",
        s3_access_key=nowhere,
        s3_secret_key=nowhere,
        cors_origins=FRIEND,
    )


async def test_an_unforeseen_failure_is_a_problem_without_its_cause(settings: GatewaySettings):
    app = create_app(settings)

    @app.get("/fails")
    async def fails() -> None:
        raise ZeroDivisionError(CAUSE)

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/fails", headers={"X-Request-ID": "abc", "Origin": FRIEND})

    problem = answer.json()
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["request_id"], answer.headers["x-request-id"]) == ("internal_error", "abc", "abc")
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert CAUSE not in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert "request id" in problem["hint"]


def test_making_the_application_connects_to_nothing(settings: GatewaySettings):
    assert create_app(settings).openapi()["info"]["title"] == "Reelwork"
