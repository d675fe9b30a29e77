"""Every address says in its signature who may use it and which rate counts it; what needs no key is listed here."""

from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from gateway.app import create_app
from gateway.deps import May
from gateway.settings import GatewaySettings

pytestmark = pytest.mark.security

PUBLIC = {
    # what can go wrong is for everybody to read
    "GET /v1/errors",
    "GET /v1/errors/{code}",
    # the LeyLine API's sign of life
    "GET /api/v1/ping",
    # and Luna's
    "GET /api/v1/health",
    "GET /api/v1/health/db",
    # shows the key in its form, and counts wrong ones
    "POST /v1/oauth/token",
    # providers are told a token of one job; it moves the next look at it forward, and opens nothing
    "POST /v1/providers/{provider}/webhook/{job_id}/{token}",
}


def routes() -> Iterator[tuple[str, Dependant]]:
    nowhere = SecretStr("none")
    settings = GatewaySettings(
        mongo_url=nowhere, broker_url=nowhere, s3_endpoint_url="", s3_access_key=nowhere, s3_secret_key=nowhere
    )
    for context in iter_route_contexts(create_app(settings).routes):
        path = context.path or ""
        if path.startswith(("/v1", "/api")):
            for method in context.methods or ():
                yield f"{method} {path}", context.dependant


def permissions(dependant: Dependant) -> Iterator[May]:
    for needed in dependant.dependencies:
        if isinstance(needed.call, May):
            yield needed.call
        yield from permissions(needed)


def test_every_address_has_one_permission_or_is_listed_as_public():
    found = {address: len(list(permissions(dependant))) for address, dependant in routes()}

    assert len(found) > 30
    assert {address for address, count in found.items() if count != 1} == PUBLIC
