"""The built page, served by the gateway: its files, its own addresses, and the key that it is given in development."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from testkit.caller import expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

INDEX = "<!doctype html><title>Reelwork</title>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built page, beside a file that is not part of it."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("keep this to yourself")
    page = outside / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text(INDEX)
    (page / "assets" / "app-1234.js").write_text("export {}")
    return page


@pytest.fixture(scope="module")
def site(mongo_url: str, s3: S3Service, folder: Path) -> Iterator[Stack]:
    key = folder.parent / "dev.key"
    key.write_text("rw_a_key\n")
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, page_directory=folder, page_key_file=key) as stack:
        yield stack


def test_the_page_and_its_files_are_served(site: Stack):
    page = httpx.get(site.base_url)
    script = httpx.get(f"{site.base_url}/assets/app-1234.js")

    assert (page.status_code, page.text) == (200, INDEX)
    assert page.headers["content-type"].startswith("text/html")
    assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))


def test_an_address_of_the_pages_own_shows_the_page(site: Stack):
    answer = httpx.get(f"{site.base_url}/jobs/job_x", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.text) == (200, INDEX)


def test_at_an_unknown_address_there_is_nothing_for_any_method(site: Stack, stack: Stack):
    for method, path in [("POST", "/v1/nothing"), ("DELETE", "/v1/nothing/at/all"), ("POST", "/v1/uploads//complete")]:
        for caller in (site.owner, stack.owner):
            assert expect(404, caller.http.request(method, path))["code"] == "route_not_found"


@pytest.mark.parametrize("path", ["/v1/nope", "/v1/jobs/x/y/z", "/v1", "/api/v1/nope", "/v1/errors/nope"])
@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_an_unknown_address_of_the_api_is_a_problem_and_not_the_page(site: Stack, path: str, accept: str):
    answer = site.owner.http.get(path, headers={"Accept": accept})

    assert expect(404, answer)["code"] == "route_not_found"


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/webhooks/wh_x/test", "/api/v1/task"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_address_that_does_not_take_a_method_says_which_it_takes(site: Stack, path: str, method: str):
    answer = site.owner.http.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_addresses_of_the_page_may_have_whatever_parameters(site: Stack):
    for path in ("/?job=job_x", "/jobs?status=processing&x=1&x=2"):
        answer = httpx.get(f"{site.base_url}{path}", headers={"Accept": "text/html"})

        assert (answer.status_code, answer.text) == (200, INDEX)


def test_a_file_that_is_not_there_is_not_the_page(site: Stack):
    assert httpx.get(f"{site.base_url}/assets/gone-5678.js").status_code == 404


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/..%5csecret.txt"]
)
def test_nothing_outside_of_the_page_is_served(site: Stack, path: str):
    answer = site.owner.http.get("/", extensions={"target": path.encode()})  # as it stands: clients would tidy it up

    assert "yourself" not in answer.text


def test_the_api_is_where_it_was(site: Stack):
    assert site.owner.wait(site.owner.submit()["id"])["status"] == "completed"
    assert httpx.get(f"{site.base_url}/docs", timeout=30).status_code == 200
    assert httpx.get(f"{site.base_url}/healthz").json()["status"] == "ok"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_browser_on_this_machine_is_given_the_development_key(site: Stack, host: str):
    config = httpx.get(f"http://{host}:{site.port}/app-config.json")

    assert expect(200, config)["api_key"] == "rw_a_key"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example:8000"},
        {"Host": ""},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-For": "not an address"},
        {"Forwarded": "for=203.0.113.7"},
    ],
)
def test_nobody_else_is_given_it(site: Stack, headers: dict[str, str]):
    config = httpx.get(f"{site.base_url}/app-config.json", headers=headers)

    assert "rw_a_key" not in config.text
    assert config.status_code < 500


def test_in_production_there_is_no_such_key(mongo_url: str, s3: S3Service, folder: Path):
    settings = {"page_directory": folder, "env": "production", "signing_secret": secrets.token_hex(32)}
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), **settings) as stack:
        assert expect(200, httpx.get(f"{stack.base_url}/app-config.json"))["api_key"] is None


def test_the_page_may_load_only_what_is_ours_and_from_the_storage(site: Stack, s3: S3Service):
    for path in ("/", "/jobs/job_x", "/index.html"):
        headers = httpx.get(f"{site.base_url}{path}", headers={"Accept": "text/html"}).headers

        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert s3.endpoint_url in policy["connect-src"]
        assert {policy[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert headers["cache-control"] == "no-cache"


def test_a_page_that_has_not_changed_keeps_the_policy_it_came_with(site: Stack):
    etag = httpx.get(site.base_url).headers["etag"]

    unchanged = httpx.get(site.base_url, headers={"If-None-Match": etag})

    assert unchanged.status_code == 304
    assert "content-security-policy" not in unchanged.headers


def test_the_key_of_the_page_is_kept_by_no_cache(site: Stack):
    assert httpx.get(f"{site.base_url}/app-config.json").headers["cache-control"] == "no-store"
