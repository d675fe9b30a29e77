"""One Chromium for a worker process, without any way to the network of its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from playwright.async_api import Browser, BrowserContext, Error, Page, Playwright, async_playwright

from reelwork.generator import ProviderUnavailable

log = structlog.get_logger(__name__)

# Every request is answered by us before Chromium would send it (`gate.py`). Should one slip through, of whatever kind,
# it meets a proxy that does not exist: nothing listens on port 9 (discard), and loopback is no exception to the rule.
_NOWHERE = "socks5://127.0.0.1:9"
_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--js-flags=--max-old-space-size=512",
    "--no-first-run",
)
# What Chromium needs of our environment: never keys and passwords.
_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "FONTCONFIG_PATH", "LD_LIBRARY_PATH")
_START_SECONDS = 30.0
# For an empty page: a browser that has lost a process of its own, or hangs, may never answer.
PAGE_SECONDS = 20.0
CLOSE_SECONDS = 5.0


class Chromium:
    """Starts with the first page, and again when it has ended. All calls on one event loop."""

    def __init__(self, executable: Path, *, sandbox: bool) -> None:
        self._executable = executable
        self._sandbox = sandbox
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._starting = asyncio.Lock()
        self.starts = 0

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """An empty page, in a profile of its own that is forgotten afterwards. Raises ProviderUnavailable."""
        browser = await self._running()
        async with self._context(browser) as context:
            try:
                async with asyncio.timeout(PAGE_SECONDS):
                    page = await context.new_page()
            except (Error, TimeoutError) as error:
                raise await self._lost(browser) from error
            yield page

    async def close(self) -> None:
        """End the browser, and the program that drives it."""
        async with self._starting:
            await self._stop()

    async def _running(self) -> Browser:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                await self._stop()
                try:
                    self._browser = await self._start()
                except (Error, OSError) as error:
                    log.warning("browser.not_started", reason=str(error).partition("\n")[0])
                    await self._stop()
                    raise ProviderUnavailable("The browser could not be started; try again.") from error
            return self._browser

    async def _start(self) -> Browser:
        self._playwright = await async_playwright().start()
        self.starts += 1
        return await self._playwright.chromium.launch(
            executable_path=self._executable,
            args=list(_ARGUMENTS),
            chromium_sandbox=self._sandbox,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            proxy={"server": _NOWHERE, "bypass": "<-loopback>"},
            timeout=_START_SECONDS * 1000,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )

    @asynccontextmanager
    async def _context(self, browser: Browser) -> AsyncIterator[BrowserContext]:
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                context = await self._new_context(browser)
        except (Error, TimeoutError) as error:
            raise await self._lost(browser) from error
        try:
            yield context
        finally:
            await self._end(browser, context)

    async def _new_context(self, browser: Browser) -> BrowserContext:
        """Says what it is: the engine, so that pages take it for one, and us."""
        version = browser.version.partition(".")[0]
        return await browser.new_context(
            user_agent=f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"Chrome/{version}.0.0.0 Safari/537.36 Reelwork/1",
            viewport={"width": 1280, "height": 4000},  # tall: what loads when it comes into view is in view
            accept_downloads=False,
            service_workers="block",
            bypass_csp=True,
            permissions=[],
        )

    async def _lost(self, browser: Browser) -> ProviderUnavailable:
        """What to say of a browser that opens no page any more, which is given up: the next page starts another."""
        await self._give_up(browser)
        return ProviderUnavailable("The browser ended; try again.")

    async def _end(self, browser: Browser, context: BrowserContext) -> None:
        """Close it, or the whole browser where a page does not let go."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await context.close()
        except (TimeoutError, Error):
            await self._give_up(browser)

    async def _give_up(self, browser: Browser) -> None:
        async with self._starting:
            if self._browser is browser:
                await self._stop()

    async def _stop(self) -> None:
        """Nobody waits for a browser that hangs: the program that drives it kills it, if late."""
        browser, playwright = self._browser, self._playwright
        self._browser = self._playwright = None
        if browser is not None:
            await _ended(browser.close())
        if playwright is not None:
            await _ended(playwright.stop())


async def _ended(closing: Awaitable[None]) -> None:
    with contextlib.suppress(Error, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await closing
