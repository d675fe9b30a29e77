"""A browser on another site sends a film with Uppy: the tab is closed in the middle, and another goes on."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from e2e.page.browser import PAGE
from testkit.caller import expect
from testkit.films import film
from testkit.services import S3Service, unavailable
from testkit.stack import Servers, Stack, running_stack
from testkit.uploads import PART
from testkit.website import Website, page, running_website

pytestmark = pytest.mark.browser

MARKUP = page(b"<!DOCTYPE html><input type=file>", Content_Type="text/html")
# As the plugin Golden Retriever does it: the plugin goes on with an upload whose names it finds in the file's state.
SEND = """
async ({url, key, resumed, stopAfter}) => {
  const uppy = (window.uppy = reelwork.uploader({url, key}));
  const id = uppy.addFile(document.querySelector("input").files[0]);
  if (resumed) uppy.setFileState(id, {s3Multipart: resumed});
  const parts = [];
  const stopped = new Promise((resolve) => {
    uppy.on("s3-multipart:part-uploaded", (file, part) => {
      parts.push(part.PartNumber);
      if (parts.length === stopAfter) resolve({s3Multipart: uppy.getFile(id).s3Multipart, parts});
    });
  });
  const done = uppy.upload().then(({successful, failed}) => ({
    parts, asset: successful[0]?.response.body.location, error: failed[0]?.error ?? null,
  }));
  return Promise.race(stopAfter ? [stopped, done] : [done]);
}
"""


@pytest.fixture(scope="module")
def website() -> Iterator[Website]:
    """On this machine: elsewhere WebCrypto wants https."""
    with running_website({"/": MARKUP}) as running:
        yield running


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service, website: Website) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), workers=0, cors_origins=website.url) as stack:
        yield stack


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The plugin and our five callbacks, as one script."""
    rolldown = PAGE / "node_modules" / ".bin" / "rolldown"
    if not rolldown.exists():
        raise unavailable("Uppy", ["make page needs Node.js"])
    script: Path = tmp_path_factory.mktemp("uppy") / "uppy.js"
    options = ("--format", "iife", "--name", "reelwork", "--file", str(script))
    subprocess.run([rolldown, "dev/uppy-uploads.ts", *options], cwd=PAGE, check=True, capture_output=True)  # noqa: S603
    return script.read_text()


@pytest.fixture
def site(browser: Browser, website: Website) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=website.url)
    yield context
    context.close()


def send(site: BrowserContext, bundle: str, path: Path, **wanted: Any) -> tuple[Page, dict[str, Any]]:
    """What a tab of the site does with the file."""
    tab = site.new_page()
    if wanted.get("stopAfter"):
        hold_back_all_parts_but_one(tab)
    tab.goto("/")
    tab.add_script_tag(content=bundle)
    tab.set_input_files("input", path)
    return tab, tab.evaluate(SEND, {"resumed": None, "stopAfter": 0} | wanted)


def hold_back_all_parts_but_one(tab: Page) -> None:
    """A tab sends several at once: on a quick machine all would be there before it is closed."""
    sent: list[str] = []

    def decide(route: Route) -> None:
        if route.request.method != "PUT" or not sent:
            sent.extend([route.request.url] if route.request.method == "PUT" else [])
            route.continue_()

    tab.route(re.compile("partNumber="), decide)


def test_a_tab_that_is_closed_is_resumed_by_another_with_the_parts_that_are_missing(
    stack: Stack, site: BrowserContext, bundle: str, tmp_path: Path
) -> None:
    path, content = tmp_path / "holiday.mp4", film(3 * PART + 1000)
    path.write_bytes(content)
    access = {"url": stack.base_url, "key": stack.owner.key}

    tab, begun = send(site, bundle, path, stopAfter=1, **access)
    tab.goto("about:blank")  # ends what is held back, which a tab that is just closed would let through
    tab.close()
    upload = begun["s3Multipart"]["uploadId"]
    there = {part["n"] for part in expect(200, stack.owner.http.get(f"/v1/uploads/{upload}"))["received"]}
    _, ended = send(site, bundle, path, resumed=begun["s3Multipart"], **access)

    assert ended["error"] is None
    asset = expect(200, stack.owner.http.get(f"/v1/assets/{ended['asset']}"))
    assert (asset["id"], asset["bytes"]) == (begun["s3Multipart"]["key"], len(content))
    assert asset["sha256"] == hashlib.sha256(content).hexdigest()
    assert there == set(begun["parts"])
    assert set(ended["parts"]) == {1, 2, 3, 4} - there


def test_an_upload_that_is_cancelled_is_gone(stack: Stack, site: BrowserContext, bundle: str, tmp_path: Path) -> None:
    path = tmp_path / "other.mp4"
    path.write_bytes(film(2 * PART, fill=b"other"))
    tab, begun = send(site, bundle, path, stopAfter=1, url=stack.base_url, key=stack.owner.key)
    upload = f"/v1/uploads/{begun['s3Multipart']['uploadId']}"

    with tab.expect_response(lambda answer: answer.request.method == "DELETE"):
        tab.evaluate("() => window.uppy.cancelAll()")

    assert expect(200, stack.owner.http.get(upload))["status"] == "aborted"
