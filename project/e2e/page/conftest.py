"""The whole of Reelwork with its page, and a browser in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.page.browser import built_page, complaints, running_browser
from testkit.pictures import picture
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

# For whatever a page waits for: a machine that runs other tests beside it makes a picture in ten seconds, not in two.
_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def stack(mongo_url: str, s3: S3Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Gateway and worker in one process, with the page; the page is given the owner's key, as in development."""
    key_file: Path = tmp_path_factory.mktemp("key") / "dev.key"
    servers = Servers(mongo_url=mongo_url, s3=s3)
    with running_stack(servers, env="development", page_directory=built_page(), page_key_file=key_file) as stack:
        key_file.write_text(stack.owner.key)
        yield stack


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A browser profile; whatever a page in it tries against its Content-Security-Policy fails the test."""
    context = browser.new_context(base_url=stack.base_url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(_PATIENCE_MS)
    against_policy = complaints(context)
    yield context
    context.close()
    assert against_policy == []


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; a script error in it fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "dunes.jpg"
    path.write_bytes(picture(size=(1280, 800)))
    return path
