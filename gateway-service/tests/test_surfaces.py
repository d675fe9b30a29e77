"""The addresses of replaced systems: they say that they are deprecated, until when, and what took their place."""

import asyncio
import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2 as httpx
import pytest
from pydantic import SecretStr, ValidationError

from gateway.app import create_app
from gateway.openapi import document
from gateway.routes.sources.mounting import all_surfaces
from gateway.settings import GatewaySettings
from gateway.surfaces import DEPRECATED_AT, NAMES
from testkit.caller import Caller, expect
from testkit.stack import Stack

NOWHERE = SecretStr("none")
PATHS: dict[str, Any] = json.loads(document())["paths"]


def settings(**chosen: Any) -> GatewaySettings:
    servers = {"mongo_url": NOWHERE, "broker_url": NOWHERE, "s3_access_key": NOWHERE, "s3_secret_key": NOWHERE}
    return GatewaySettings(**servers, s3_endpoint_url="", **chosen)


def ask(app: Any, path: str, method: str = "GET") -> httpx.Response:
    """Without its servers: none of what is asked here needs any."""

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://reelwork") as client:
            return await client.request(method, path)

    return asyncio.run(asked())


def test_every_surface_tells_of_the_successor_of_each_of_its_addresses():
    for mounted in all_surfaces(settings()):
        served = set(mounted.paths())

        assert served == mounted.surface.successors.keys()
        for successor in mounted.surface.successors.values():
            template = re.sub(r"\{\w+\}", "{}", successor)
            assert template in {re.sub(r"\{\w+\}", "{}", path) for path in PATHS}, successor


@pytest.mark.parametrize("path", ["/media/status/job_x", "/api/v1/task/x", "/api/v1/ping", "/tools/status"])
def test_every_answer_says_that_the_address_is_deprecated(stack: Stack, path: str):
    for method in ("GET", "HEAD"):
        answer = httpx.request(method, f"{stack.base_url}{path}")

        assert answer.headers["deprecation"] == f"@{int(DEPRECATED_AT.timestamp())}"
        assert parsedate_to_datetime(answer.headers["sunset"]) > DEPRECATED_AT
        assert re.fullmatch(r'</[^>]*>; rel="successor-version"', answer.headers["link"])


def test_the_successor_of_a_thing_is_named_by_its_own_id(owner: Caller):
    job = owner.wait(owner.submit()["id"])

    answer = owner.http.get(f"/media/status/{job['id']}")

    assert answer.headers["link"] == f'</v1/jobs/{job["id"]}>; rel="successor-version"'


def test_a_body_that_is_too_large_is_refused_in_the_originals_words_too(owner: Caller):
    answer = owner.http.post("/media/generate", content=b" " * 2_000_000, headers={"Content-Type": "application/json"})

    assert expect(413, answer)["error_code"] == "UPLOAD_TOO_LARGE"
    assert answer.headers["deprecation"]


def test_an_address_of_our_own_is_not_deprecated(owner: Caller):
    assert "deprecation" not in owner.http.get("/v1/jobs").headers


@pytest.mark.parametrize("name", NAMES)
def test_a_surface_that_is_off_is_not_there(name: str):
    others = ",".join(other for other in NAMES if other != name)
    app = create_app(settings(compat=others))
    found = [mounted for mounted in all_surfaces(settings()) if mounted.surface.name == name]

    for mounted in found:
        for path in mounted.paths():
            answer = ask(app, re.sub(r"\{\w+\}", "x", path))
            assert expect(404, answer)["code"] == "route_not_found"
            assert "deprecation" not in answer.headers


def test_all_surfaces_can_be_off():
    app = create_app(settings(compat=""))

    assert not [
        path for mounted in all_surfaces(settings()) for path in mounted.paths() if path in app.openapi()["paths"]
    ]


def test_the_sunset_is_the_settings_one():
    app = create_app(settings(sources_sunset="2031-05-06T07:08:09Z"))

    assert ask(app, "/api/v1/ping").headers["sunset"] == "Tue, 06 May 2031 07:08:09 GMT"


def test_a_surface_that_nobody_knows_is_a_wrong_setting():
    with pytest.raises(ValidationError, match="'lumma' is no surface; give all, or some of luma, fleek"):
        settings(compat="lumma,fleek")


FOREIGN = {"account_id": "acct_00000000000000000000000000", "state": "completed", "$set": {"tier": "enterprise"}}


@pytest.mark.parametrize(
    "path",
    [
        path
        for mounted in all_surfaces(settings())
        if mounted.surface.envelope
        for path in mounted.paths()
        if "post" in PATHS[path]
    ],
)
def test_a_field_that_is_nobodys_to_send_is_refused(owner: Caller, path: str):
    answer = owner.http.post(path.format(account_id="acct_x"), json=FOREIGN)

    assert answer.status_code in {400, 404, 422}
    assert all(name in answer.text for name in FOREIGN) or answer.status_code == 404
