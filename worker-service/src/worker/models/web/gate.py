"""All that a page asks for, asked by us: through the guarded fetcher, and only what text may depend on."""

import asyncio
import contextlib
import contextvars
import re
from collections.abc import Mapping
from typing import Self

import structlog
from playwright.async_api import Error, Page, Request, Route

from reelwork.domain.errors import ReelworkError
from reelwork.fetch import Allowance, Fetcher, Question, Reply, asked_wait
from reelwork.generator import GenerationError, InvalidInput, ProviderUnavailable

log = structlog.get_logger(__name__)

# The document itself; what is requested beside it in all; how many of that, and how many at once.
MOST_DOCUMENT_BYTES = 8 * 2**20
MOST_BYTES = 32 * 2**20
MOST_REQUESTS = 300
# For a browser to take that its requests come to nothing, at the end; one that hangs is not waited for.
ABORT_SECONDS = 2.0
AT_ONCE = 8
# Documents that one after the other replace each other by redirects, `<meta>` or script.
MOST_DOCUMENTS = 6

# Styles among it: bundlers' loaders wait for them, and render nothing where they fail.
_WANTED = frozenset({"script", "stylesheet", "xhr", "fetch"})
_PASSED_ON = ("user-agent", "accept", "accept-language", "referer", "x-requested-with")
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("text/plain", "text/markdown", "text/x-markdown")


class Gate:
    """Answers the requests of one page, for the length of a context. All calls on one event loop.

    `document` is what was last opened; `failure` why a document was not opened, which ends the job whatever the page
    shows by then.
    """

    def __init__(self, fetcher: Fetcher, page: Page) -> None:
        self._fetcher = fetcher
        self._page = page
        # Of the job: the browser calls us in that of whoever started it, so that logs would name another job.
        self._context = contextvars.copy_context()
        self._tasks: dict[asyncio.Task[None], Route] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._moved: dict[str, Reply] = {}
        self._documents = 0
        self._requests = 0
        self._allowance = Allowance(MOST_BYTES)
        self._quiet_since = asyncio.get_running_loop().time()
        self.document: Reply | None = None
        self.failure: GenerationError | None = None
        self.failed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        unanswered = dict(self._tasks)
        for task in unanswered:
            task.cancel()
        await asyncio.gather(*unanswered, return_exceptions=True)
        # The browser's side waits for an answer to each request, as long as the browser lives.
        aborts = [route.abort("aborted") for task, route in unanswered.items() if task.cancelled()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ABORT_SECONDS):
                await asyncio.gather(*aborts, return_exceptions=True)

    @property
    def quiet_seconds(self) -> float:
        """How long nothing has been asked for or under way."""
        return 0.0 if self._tasks else asyncio.get_running_loop().time() - self._quiet_since

    async def handle(self, route: Route) -> None:
        """Answer one request; the handler of a route."""
        task = asyncio.get_running_loop().create_task(self._answered(route), context=self._context)
        self._tasks[task] = route
        task.add_done_callback(self._ended)
        await asyncio.wait({task})

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._quiet_since = task.get_loop().time()

    async def _answered(self, route: Route) -> None:
        with contextlib.suppress(Error):  # the page went away before its answer came
            try:
                await self._answer(route)
            except Error:
                raise
            except Exception:
                # Whatever goes wrong with one request: a page that waits for it in vain is worse than one without it.
                log.exception("page.request_failed")
                await route.abort("failed")

    async def _answer(self, route: Route) -> None:
        request = route.request
        if request.method == "GET" and self._is_document(request):
            await self._open(route)
        elif request.method == "GET" and request.resource_type in _WANTED:
            await self._give(route)
        else:
            await route.abort("blockedbyclient")

    def _is_document(self, request: Request) -> bool:
        return request.is_navigation_request() and request.frame == self._page.main_frame

    async def _open(self, route: Route) -> None:
        url = route.request.url.partition("#")[0]
        try:
            self._count_document()
            reply = self._moved.pop(url, None) or await self._fetch(route.request, MOST_DOCUMENT_BYTES)
            _check(reply)
        except (ReelworkError, GenerationError) as error:
            self.failure = self.failure or _told(error)
            try:
                await route.abort("blockedbyclient")
            finally:
                self.failed.set()
            return
        if reply.url != url and reply.url not in self._moved:
            # Chromium would follow a redirect by itself, unasked: it gets a page instead that asks for the next one.
            self._moved[reply.url] = reply
            await route.fulfill(status=200, content_type="text/html", body=_sent_on(reply.url))
            return
        self.document = reply
        await route.fulfill(status=200, headers=_headers(reply, {}), body=_shown(reply))

    def _count_document(self) -> None:
        """Raises InvalidInput for one too many."""
        if self._documents == MOST_DOCUMENTS:
            raise InvalidInput("The page leads from one address to the next without end.", field="url")
        self._documents += 1

    async def _give(self, route: Route) -> None:
        reply = None
        if self._requests < MOST_REQUESTS:
            self._requests += 1
            reply = await self._part(route.request)
        if reply is None:
            await route.abort("blockedbyclient")
            return
        await route.fulfill(status=reply.status, headers=_headers(reply, route.request.headers), body=reply.content)

    async def _part(self, request: Request) -> Reply | None:
        """What a page wants beside its document, unless it is refused, or more than the page may have in all."""
        async with self._at_once:
            if self._allowance.is_spent:
                return None
            try:
                return await self._fetch(request, MOST_BYTES, self._allowance)
            except ReelworkError as error:
                log.debug("page.request_refused", code=error.code)
                return None

    async def _fetch(self, request: Request, limit_bytes: int, allowance: Allowance | None = None) -> Reply:
        told = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        return await self._fetcher.ask(request.url, Question(headers=told), keep_bytes=limit_bytes, allowance=allowance)


def _headers(reply: Reply, asked: Mapping[str, str]) -> dict[str, str]:
    """As little as a page needs. It may read all that it may ask for: nobody is logged in anywhere."""
    return {
        "content-type": reply.content_type or "text/html",
        "access-control-allow-origin": asked.get("origin", "*"),
        "access-control-allow-credentials": "true",
    }


def _check(reply: Reply) -> None:
    """Raise InvalidInput or ProviderUnavailable for what is no page."""
    if reply.status == 429 or reply.status >= 500:
        wait = asked_wait(reply.retry_after)
        raise ProviderUnavailable(
            f"The page answered {reply.status}; try again later.",
            retry_after=wait.total_seconds() if wait is not None else None,
        )
    if reply.status not in (200, 203):
        raise InvalidInput(f"The page answered {reply.status}. Open the address in a browser first.", field="url")
    kind = (reply.content_type or _HTML[0]).partition(";")[0].strip().lower()
    if kind not in (*_HTML, *_TEXT):
        raise InvalidInput(f"At this address is a file ({kind[:100]}); give that of a web page.", field="url")


def is_plain(reply: Reply) -> bool:
    """Whether it is text already."""
    return (reply.content_type or "").partition(";")[0].strip().lower() in _TEXT


def _shown(reply: Reply) -> bytes:
    return b"" if is_plain(reply) else reply.content


def _told(error: ReelworkError | GenerationError) -> GenerationError:
    """For the owner of the job: what is wrong with the address, or whether to try again."""
    if isinstance(error, GenerationError):
        return error
    if error.retryable:
        return ProviderUnavailable(error.detail)
    return InvalidInput(" ".join(filter(None, (error.detail, error.hint))), field="url")


def _sent_on(url: str) -> str:
    """A page that is nothing but the way to the next one; our targets are plain ASCII without quotes unescaped."""
    safe = re.sub(r"[\"'<>&]", lambda found: f"&#{ord(found[0])};", url)
    return f'<!doctype html><meta http-equiv="refresh" content="0;url={safe}">'
