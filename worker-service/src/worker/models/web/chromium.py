"""One Chromium for a worker process, without any way to the network of its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
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
# Playwright's driver waits 30 s for a browser to close before it kills it.
_KILLED_SECONDS = 40.0


class Chromium:
    """Starts with the first page, and again when it has ended. All calls on one event loop."""

    def __init__(self, executable: Path, *, sandbox: bool) -> None:
        self._executable = executable
        self._sandbox = sandbox
        self._browser: Browser | None = None
        self._driver: Playwright | None = None
        self._starting = asyncio.Lock()
        self._ends: set[asyncio.Task[None]] = set()
        self.starts = 0

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """An empty page, in a profile of its own that is forgotten afterwards. Raises ProviderUnavailable."""
        browser = await self._running()
        async with AsyncExitStack() as stack:
            yield await self._opened(browser, stack)

    async def close(self) -> None:
        """End the browser, and the program that drives it; what hangs is left to that program after a few seconds."""
        async with self._starting:
            self._let_go()
        if self._ends:
            await asyncio.wait(self._ends, timeout=CLOSE_SECONDS)

    async def _running(self) -> Browser:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                self._let_go()
                try:
                    self._browser = await self._start()
                except (Error, OSError) as error:
                    log.warning("browser.not_started", reason=str(error).partition("\n")[0])
                    self._let_go()
                    raise ProviderUnavailable("The browser could not be started; try again.") from error
            return self._browser

    async def _start(self) -> Browser:
        self._driver = await async_playwright().start()
        self.starts += 1
        return await self._driver.chromium.launch(
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

    async def _opened(self, browser: Browser, stack: AsyncExitStack) -> Page:
        """`stack` closes what was opened."""
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                context = await self._new_context(browser)
                stack.push_async_callback(self._end, browser, context)
                return await context.new_page()
        except (Error, TimeoutError) as error:
            self._give_up(browser, error)
            raise ProviderUnavailable("The browser opens no page; try again.") from error

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

    async def _end(self, browser: Browser, context: BrowserContext) -> None:
        """Close it, or give up the whole browser where a page does not let go."""
        if browser is not self._browser:
            return  # it ends with all that it has open
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await context.close()
        except (TimeoutError, Error) as error:
            self._give_up(browser, error)

    def _give_up(self, browser: Browser, error: Exception) -> None:
        """Whoever has a page open in it will hear of that from Playwright; the next page starts another browser."""
        if browser is self._browser:
            log.warning("browser.given_up", reason=str(error).partition("\n")[0] or type(error).__name__)
            self._let_go()

    def _let_go(self) -> None:
        """Nobody waits for its end, which may take half a minute where it hangs, and nobody can break it off."""
        if self._driver is not None:
            ending = asyncio.get_running_loop().create_task(_ended(self._browser, self._driver))
            self._ends.add(ending)
            ending.add_done_callback(self._ends.discard)
        self._browser = self._driver = None


async def _ended(browser: Browser | None, driver: Playwright) -> None:
    """Closed in order, or killed by its driver, which does that to a browser that does not close."""
    if browser is not None:
        await _in_time(browser.close())
    await _in_time(driver.stop())


async def _in_time(closing: Awaitable[None]) -> None:
    with contextlib.suppress(Error, TimeoutError):
        async with asyncio.timeout(_KILLED_SECONDS):
            await closing
