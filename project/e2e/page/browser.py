"""Chromium for the page's stories, and what every story may ask of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from run.servers.debian import Unfetchable
from run.servers.fetch import chromium
from testkit.services import unavailable

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT.parent / "frontend-service"
SCREENSHOTS = PROJECT / "screenshots"
FOREIGN_NAME = "reelwork.test"
"""Leads to this machine, but is not one of its own names: a page under it is given no key."""

_ARGUMENTS = (
    "--no-sandbox",  # tests run as root in containers, where Chromium's sandbox cannot
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1",
)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """One Chromium; skips the test where none can be had, and fails it in CI."""
    try:
        path = chromium()
    except Unfetchable as missing:
        raise unavailable("Chromium", [str(missing)]) from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield browser
        browser.close()


def built_page() -> Path:
    """The folder of the built page; skips the test where it was not built, and fails it in CI."""
    folder = PAGE / "dist"
    if not (folder / "index.html").exists():
        raise unavailable("the built page", ["make page needs Node.js"])
    return folder


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, contrast included."""
    page.evaluate((PAGE / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run(document).then((result) => result.violations)")
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def complaints(context: BrowserContext) -> list[str]:
    """What the pages of this context do against their Content-Security-Policy; grows as they do it."""
    found: list[str] = []
    context.on("console", lambda said: found.append(said.text) if "Content Security Policy" in said.text else None)
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def keep_picture(page: Page, name: str) -> None:
    """A screenshot for whoever changed the page to look at; git ignores them."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
