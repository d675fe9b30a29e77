"""What every answer says to browsers and to those who ask by another method; who else's pages may read it."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from pydantic import ValidationError

from gateway.browser_policy import page_policy
from gateway.middleware import cors
from gateway.settings import GatewaySettings
from testkit.caller import Caller, expect
from testkit.pictures import picture
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

pytestmark = pytest.mark.security

ROOT = Path(__file__).parents[2]
PATHS = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS")
FRIENDS = ("https://ui.example.com", "http://localhost:5173")


@pytest.fixture(scope="module")
def open_stack(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    """A stack whose answers two other origins may read, without a worker."""
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, workers=0, cors_origins=", ".join(FRIENDS)) as stack:
        yield stack


def address(path: str) -> str:
    return re.sub(r"{\w+}", "x", path)


def matches(template: str, path: str) -> bool:
    """Only names of models contain slashes."""
    return (
        re.fullmatch(re.sub(r"{(\w+)}", lambda part: ".+" if part[1] == "name" else "[^/]+", template), path)
        is not None
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_an_address_does_not_take_is_answered_with_those_it_takes(owner: Caller, path: str):
    # To the methods that it does not have, `/v1/jobs/bulk` is a job's id, and so on.
    meant = [operations for template, operations in PATHS.items() if matches(template, address(path))]
    taken = {method.upper() for operations in meant for method in operations}
    ours = any("application/problem+json" in str(operations) for operations in meant)
    for method in set(METHODS) - taken:
        answer = owner.http.request(method, address(path))

        assert expect(405, answer).get("code", None if ours else "method_not_allowed") == "method_not_allowed"
        assert set(answer.headers["allow"].split(", ")) == taken | ({"HEAD"} if "GET" in taken else set())


@pytest.mark.parametrize(
    "path", ["/healthz", "/v1/errors", "/v1/jobs", "/v1/jobs/job_x", "/docs", "/openapi.json", "/nope"]
)
def test_head_says_what_get_says_without_the_content(owner: Caller, stack: Stack, path: str):
    asked = httpx.head(f"{stack.base_url}{path}", headers={"X-API-Key": owner.key}, timeout=30)
    got = owner.http.get(path)

    assert (asked.status_code, asked.content) == (got.status_code, b"")
    changing = {"date", "x-request-id", "server-timing", "content-length"}
    assert {name for name in asked.headers if name not in changing} == {
        name for name in got.headers if name not in changing
    }
    assert asked.headers["content-type"] == got.headers["content-type"]


def test_head_of_an_event_stream_ends_at_once(owner: Caller):
    job = owner.submit(seconds=300)

    answer = owner.http.head(f"/v1/jobs/{job['id']}/events")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    owner.cancel(job["id"])


def test_head_of_content_tells_its_size_and_type(owner: Caller):
    asset = owner.upload(picture(size=(8, 8)))

    answer, got = (
        owner.http.request(method, f"/v1/assets/{asset['id']}/content", params={"proxy": "true"})
        for method in ("HEAD", "GET")
    )

    assert answer.headers["content-length"] == str(len(got.content))
    assert answer.headers["content-type"] == "image/jpeg"


ODD_PATHS = [
    "//",
    "//v1/jobs",
    "/v1//jobs",
    "/..;/v1/jobs",
    "/v1/jobs/../jobs",
    "/%2e%2e/v1/jobs",
    "/v1/%00",
    "/%ff",
    "/v1/jobs%2Fx",
]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_leads_nowhere(owner: Caller, path: str):
    answer = owner.http.get("/", extensions={"target": path.encode()})  # as it stands: clients would tidy it up

    assert answer.status_code == 404


def _answers(caller: Caller) -> Iterator[httpx.Response]:
    for path in ("/healthz", "/v1/jobs", "/v1/jobs/job_x", "/v1/nope", "/v1/jobs?limit=0", "/openapi.json", "/"):
        yield caller.http.get(path)
    yield caller.http.post("/v1/jobs", json={"model": "nope/nope"})
    yield caller.http.post("/healthz")


def test_every_answer_of_the_api_tells_browsers_to_do_nothing_with_it(owner: Caller, nobody: Caller):
    for answer in itertools.chain(_answers(owner), _answers(nobody)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_content_that_is_sent_through_is_shown_in_a_sandbox(owner: Caller):
    asset = owner.upload(picture(size=(8, 8)))

    answer = owner.http.get(f"/v1/assets/{asset['id']}/content", params={"proxy": "true"})

    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/xml", "application/pdf", "application/json"]
)
def test_content_that_could_carry_a_script_is_saved_and_not_shown(stack: Stack, owner: Caller, kind: str):
    asset = owner.upload(picture(size=(8, 8)))
    with stack.documents() as database:  # a model's output: uploads are pictures
        database["assets"].update_one({"_id": asset["id"]}, {"$set": {"content_type": kind}})

    proxied = owner.http.get(f"/v1/assets/{asset['id']}/content", params={"proxy": "true"})
    linked = httpx.get(owner.http.get(f"/v1/assets/{asset['id']}/content").headers["location"])

    assert proxied.headers["content-disposition"].startswith("attachment")
    assert linked.headers["content-disposition"].startswith("attachment")


def test_the_list_of_addresses_needs_no_script_and_nothing_from_elsewhere(nobody: Caller):
    answer = nobody.http.get("/docs")

    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href)=\"(?!/|#)", answer.text)
    for path, methods in PATHS.items():
        assert f"<code>{path}</code>" in answer.text
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in answer.text
    assert nobody.http.get("/docs/style.css").headers["content-type"].startswith("text/css")


class TestOtherOrigins:
    STRANGERS = (
        "https://evil.example",
        "https://ui.example.com.evil.example",
        "https://evil.example/https://ui.example.com",
        "https://ui.example.com:444",
        "http://ui.example.com",
        "https://UI.example.com",
        "https://ui.example.com/",
        "null",
        "*",
        "",
    )

    @pytest.mark.parametrize("origin", [*STRANGERS, *FRIENDS])
    def test_without_the_setting_nobody_may_read(self, nobody: Caller, origin: str):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}

        assert expect(405, nobody.http.options("/v1/jobs", headers=preflight))
        for answer in (
            nobody.http.options("/v1/jobs", headers=preflight),
            nobody.http.get("/healthz", headers=preflight),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]

    @pytest.mark.parametrize("origin", STRANGERS)
    def test_strangers_may_read_nothing(self, open_stack: Stack, origin: str):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}

        for answer in (
            open_stack.owner.http.options("/v1/jobs", headers=preflight),
            open_stack.owner.http.get("/v1/jobs", headers=preflight),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert "Origin" in answer.headers["vary"]

    @pytest.mark.parametrize("origin", FRIENDS)
    def test_friends_may_send_a_key_and_read_our_headers_but_no_cookies(self, open_stack: Stack, origin: str):
        preflight = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        }

        allowed = httpx.options(f"{open_stack.base_url}/v1/jobs", headers=preflight)
        answer = open_stack.owner.http.get("/v1/jobs", headers={"Origin": origin})
        refused = open_stack.owner.http.post("/v1/jobs", headers={"Origin": origin}, content=b"{")
        large = open_stack.owner.http.post("/v1/jobs", headers={"Origin": origin}, content=b" " * 2_000_000)

        assert allowed.status_code == 204
        assert {"Authorization", "Idempotency-Key"} <= set(allowed.headers["access-control-allow-headers"].split(", "))
        assert "PATCH" in allowed.headers["access-control-allow-methods"]
        assert (answer.status_code, refused.status_code, large.status_code) == (200, 415, 413)
        for one in (allowed, answer, refused, large):
            assert one.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in one.headers
        shown = set(answer.headers["access-control-expose-headers"].split(", "))
        assert {"Location", "Retry-After", "ETag", "RateLimit", "Idempotency-Replayed", "X-Request-ID"} <= shown

    def test_two_origins_are_none(self, open_stack: Stack):
        headers = [("Origin", FRIENDS[0]), ("Origin", "https://evil.example")]

        assert "access-control-allow-origin" not in httpx.get(f"{open_stack.base_url}/healthz", headers=headers).headers

    @pytest.mark.parametrize(
        "origin", ["*", "null", "https://*.example.com", "ui.example.com", "https://a.example/x", "ftp://a"]
    )
    def test_what_is_no_origin_cannot_be_allowed(self, monkeypatch: pytest.MonkeyPatch, origin: str):
        for name in ("mongo_url", "broker_url", "s3_endpoint_url", "s3_access_key", "s3_secret_key"):
            monkeypatch.setenv(f"REELWORK_{name.upper()}", "x")

        with pytest.raises(ValidationError, match="REELWORK_CORS_ORIGINS"):
            GatewaySettings(cors_origins=f"https://ui.example.com,{origin}")

    def test_every_header_that_an_answer_documents_may_be_read(self):
        documented = {
            name
            for methods in PATHS.values()
            for operation in methods.values()
            for response in operation["responses"].values()
            for name in response.get("headers", {})
        }

        assert documented <= set(cors.SHOWN.split(", "))


def test_the_template_of_nginx_names_no_token_of_a_providers_webhook_in_the_access_log():
    template = (ROOT / "project" / "docker" / "frontend" / "nginx.conf.template").read_text()
    (log_format,) = re.findall(r"log_format json (.*?);\n", template, re.DOTALL)
    (pattern,) = re.findall(r'map \$uri \$told_path \{\s+default \$uri;\s+"~(\S+)" "\$kept\[token\]";\s+\}', template)

    hidden = re.compile(pattern.replace("(?<", "(?P<")).match("/v1/providers/acme/webhook/job_x/secret")

    assert '"path":"$told_path"' in log_format
    assert "$uri" not in log_format.replace("$told_path", "")
    assert "$request" not in log_format.replace("$request_method", "").replace("$request_time", "")
    assert hidden is not None
    assert hidden["kept"] == "/v1/providers/acme/webhook/job_x/"


def test_the_template_of_nginx_gives_providers_webhooks_no_error_log():
    template = (ROOT / "project" / "docker" / "frontend" / "nginx.conf.template").read_text()

    proxied = re.findall(r"location ~ (\S+) \{\n([^}]*proxy_pass[^}]*)\}", template)

    asked, settings = next(found for found in proxied if re.match(found[0], "/v1/providers/acme/webhook/job_x/secret"))
    assert re.match(asked, "/v1/jobs") is None
    assert "error_log /dev/null emerg;" in settings


def test_nginx_says_of_the_page_what_the_gateway_says():
    template = (ROOT / "project" / "docker" / "frontend" / "nginx.conf.template").read_text()

    assert f'"{page_policy("${S3_PUBLIC_ORIGIN}")}"' in template
    assert "unsafe-inline" not in template
