"""A web page becomes Markdown: by a Celery worker of the pool `browser`, which reaches no more than its rules allow."""

from collections.abc import Iterator

import pytest

from run.servers.debian import Unfetchable
from run.servers.fetch import chromium
from testkit.processes import below, is_alive
from testkit.services import unavailable
from testkit.stack import Stack
from testkit.waiting import until
from testkit.website import Website, page, redirect, running_website

pytestmark = pytest.mark.browser

MODEL = "builtin/web-markdown"
PAGE = (
    b"<title>T</title><nav>Menu</nav><main><h1 id=heading>A page</h1>"
    b"<script>heading.after('Made by a script')</script></main>"
)


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    pages = {"/page": page(PAGE, Content_Type="text/html"), "/away": redirect("http://10.0.0.1/")}
    with running_website(pages) as running:
        yield running


@pytest.fixture(scope="module")
def reading(distributed: Stack, site: Website) -> Iterator[Stack]:
    """With a worker of the pool `browser` that may open pages of this machine."""
    try:
        executable = chromium()
    except Unfetchable as missing:
        raise unavailable("Chromium", [str(missing)]) from None
    worker = distributed.start_worker(
        pool="browser",
        browser_executable=executable,
        fetch_allow="127.0.0.0/8",
        fetch_plain_http=True,
        fetch_ports=f"80,{site.port}",
    )
    until(lambda: MODEL in [item["name"] for item in distributed.owner.http.get("/v1/models").json()["items"]])
    yield distributed
    worker.stop()
    distributed.workers.remove(worker)


def test_a_page_becomes_a_markdown_file(reading: Stack, site: Website) -> None:
    job = reading.owner.submit(MODEL, url=f"{site.url}/page")

    done = reading.owner.wait(job["id"], "completed")

    (output,) = done["outputs"]
    assert output["content_type"] == "text/markdown"
    assert reading.owner.content(output["asset_id"]).decode() == "# A page\n\nMade by a script\n"


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "//example.com/",
        "ftp://example.com/file",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///page",
        "https://someone:secret@example.com/",
        "https://example.com:port/",
        "https://[::1/",
        "https://bücher.example/",
        "https://example.com/a page",
        "https://example.com\\page",
    ],
)
def test_what_is_no_address_of_a_page_is_refused_at_once_with_the_cure(reading: Stack, url: str) -> None:
    refused = reading.owner.http.post("/v1/jobs", json={"model": MODEL, "input": {"url": url}})

    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("#/input/url", "pattern")
    assert "such as https://example.com/page" in fault["detail"]


def test_a_page_that_leads_to_a_private_address_fails_and_names_the_address_as_the_cause(
    reading: Stack, site: Website
) -> None:
    job = reading.owner.submit(MODEL, url=f"{site.url}/away")

    failed = reading.owner.wait(job["id"], "failed")

    assert (failed["error"]["code"], failed["attempt"]) == ("invalid_input", 1)
    assert "not fetched" in failed["error"]["message"]
    assert "10.0.0.1" not in failed["error"]["message"]


def test_a_worker_that_is_killed_leaves_no_browser_behind(reading: Stack, site: Website) -> None:
    reading.owner.wait(reading.owner.submit(MODEL, url=f"{site.url}/page")["id"], "completed")
    browsers = below(reading.workers[-1].pid, "chrom")

    reading.workers[-1].kill()

    assert browsers
    until(lambda: not any(is_alive(pid) for pid in browsers))
