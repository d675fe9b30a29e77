"""A page as it stands once its scripts have come to rest."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from playwright.async_api import Error, Page, WebSocketRoute

from reelwork.fetch import Fetcher, Reply
from reelwork.generator import InvalidInput, ProviderUnavailable
from worker.models.web.gate import Gate, is_plain

# A page is at rest when nothing changed in it, and nothing was under way for it, for so long; at most that is waited.
QUIET_SECONDS = 0.5
MOST_REST_SECONDS = 5.0
# For the document to come, and then for the scripts that hold up its end.
OPEN_SECONDS = 30.0
READY_SECONDS = 10.0
# Beyond what a page may take for itself, for the browser to answer at all.
_SLACK_SECONDS = 2.0
ALIVE_SECONDS = 10.0
MOST_CHARACTERS = 8_000_000

Tell = Callable[[float, str], None]

# Resolves after `quiet` ms without a change of the document, at the latest after `most` ms.
_REST = """([quiet, most]) => new Promise((resolve) => {
  let timer;
  const end = () => { observer.disconnect(); clearTimeout(timer); clearTimeout(last); resolve(); };
  const again = () => { clearTimeout(timer); timer = setTimeout(end, quiet); };
  const observer = new MutationObserver(again);
  const last = setTimeout(end, most);
  observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  again();
})"""
# The whole document, or what it weighs if that is too much. A shadow tree is part of what a reader sees.
_SOURCE = """(most) => {
  for (const host of document.querySelectorAll('*')) {
    if (host.shadowRoot) host.insertAdjacentHTML('beforeend', host.shadowRoot.innerHTML);
  }
  const html = document.documentElement.outerHTML;
  return [html.length > most ? '' : html, document.title, html.length];
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """`url` is where the page was in the end. `source`: as its scripts left it, as it was sent since they do not come
    to an end, or text that is none of a browser's business."""

    url: str
    title: str
    html: str | bytes
    status: int
    source: Literal["rendered", "sent", "text"]


class _Busy(Exception):
    """The page's scripts leave the browser no time to answer."""


async def render(page: Page, url: str, fetcher: Fetcher, tell: Tell) -> Rendered:
    """Open the address in an empty page of a context of its own. Raises InvalidInput and ProviderUnavailable."""
    page.context.on("page", _close)
    async with Gate(fetcher, page) as gate:
        reading = asyncio.ensure_future(_read(page, gate, url, tell))
        failing = asyncio.ensure_future(gate.failed.wait())
        try:
            await asyncio.wait({reading, failing}, return_when=asyncio.FIRST_COMPLETED)
            if gate.failure is not None:
                raise gate.failure
            return await reading
        except Error as error:
            raise ProviderUnavailable("The browser ended while it had the page open; try again.") from error
        finally:
            await _ended(reading, failing)


async def _read(page: Page, gate: Gate, url: str, tell: Tell) -> Rendered:
    tell(0.1, "opening_page")
    try:
        async with asyncio.timeout(OPEN_SECONDS + READY_SECONDS + 2 * MOST_REST_SECONDS):
            await page.context.route("**/*", gate.handle)
            await page.context.route_web_socket("**/*", _refuse)
            await _open(page, url)
            tell(0.4, "waiting_for_scripts")
            await _rest(page, gate)
            if gate.document is None:
                raise ProviderUnavailable("The page could not be opened; try again.")
            if is_plain(gate.document):
                return _as_sent(gate.document, "text")
            return await _as_rendered(page, gate.document)
    except (_Busy, TimeoutError):
        if gate.document is None:
            raise ProviderUnavailable("The page did not open in time; try again.") from None
        await _check_browser(page)
        return _as_sent(gate.document, "sent")


async def _check_browser(page: Page) -> None:
    """A page's scripts hold up its own process alone. Raises ProviderUnavailable where the browser itself hangs."""
    try:
        async with asyncio.timeout(ALIVE_SECONDS):
            await page.context.cookies()
    except TimeoutError as error:
        raise ProviderUnavailable("The browser hangs; try again.") from error


async def _open(page: Page, url: str) -> None:
    """Its own errors are of no interest: the gate knows better why a document did not come."""
    with suppress(Error):
        await page.goto(url, wait_until="commit", timeout=OPEN_SECONDS * 1000)
        await page.wait_for_load_state("domcontentloaded", timeout=READY_SECONDS * 1000)


async def _rest(page: Page, gate: Gate) -> None:
    """Wait until nothing moves any more; a page that opens another one begins anew, within the same time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + MOST_REST_SECONDS
    while (left := until - loop.time()) > 0:
        try:
            async with asyncio.timeout(left + _SLACK_SECONDS):
                await page.evaluate(_REST, [QUIET_SECONDS * 1000, left * 1000])
        except TimeoutError as error:
            raise _Busy from error
        except Error:
            if page.is_closed():
                raise
            await asyncio.sleep(QUIET_SECONDS / 10)  # the document was replaced under our hands
            continue
        if gate.quiet_seconds >= QUIET_SECONDS:
            return


async def _as_rendered(page: Page, document: Reply) -> Rendered:
    try:
        async with asyncio.timeout(_SLACK_SECONDS + MOST_REST_SECONDS):
            html, title, size = await page.evaluate(_SOURCE, MOST_CHARACTERS)
    except TimeoutError as error:
        raise _Busy from error
    if size > MOST_CHARACTERS:
        raise InvalidInput(f"The page has more than {MOST_CHARACTERS:,} characters; name a part of it.", field="url")
    return Rendered(url=page.url, title=title.strip(), html=html, status=document.status, source="rendered")


def _as_sent(document: Reply, source: Literal["sent", "text"]) -> Rendered:
    return Rendered(url=document.url, title="", html=document.content, status=document.status, source=source)


async def _ended(*tasks: asyncio.Task[Any]) -> None:  # of whatever results
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _close(popup: Page) -> None:
    with suppress(Error):
        await popup.close()


async def _refuse(socket: WebSocketRoute) -> None:
    with suppress(Error):
        await socket.close(code=1008)
