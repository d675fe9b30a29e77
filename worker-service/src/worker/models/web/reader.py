"""Everything that reads a page, together; imported when the first page is read, since it takes half a second."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reelwork.fetch import Fetcher
from worker.models.web.backstage import Backstage
from worker.models.web.chromium import Chromium
from worker.models.web.markdown import Extract, markdown_of, words_of
from worker.models.web.refine import refined
from worker.models.web.render import render
from worker.models.web.settings import WebSettings

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A page's text, and what is worth knowing of it."""

    markdown: str
    title: str
    url: str
    status: int
    source: str
    refined_by: str | None = None
    note: str | None = None

    @property
    def words(self) -> int:
        return words_of(self.markdown)


class Reader:
    """Reads pages, from any thread, one browser for all of them."""

    def __init__(self, settings: WebSettings, executable: Path, *, fetcher: Fetcher | None = None) -> None:
        self._settings = settings
        self._fetcher = fetcher or Fetcher(settings.fetching())
        self._backstage = Backstage()
        self.chromium = Chromium(executable, sandbox=settings.lacking_sandbox() is None)

    def read(self, url: str, *, extract: Extract, refine: bool, progress: Progress) -> Text:
        """The text behind an address. `progress` is called often, in the calling thread; what it raises ends it all at
        once. Raises InvalidInput and ProviderUnavailable."""
        reached = [(0.05, "starting_browser")]
        return self._backstage.run(
            self._read(url, extract, refine=refine, tell=lambda *stage: reached.append(stage)),
            lambda: progress(*reached[-1]),
        )

    def close(self) -> None:
        """End the browser."""
        self._backstage.run(self.chromium.close(), lambda: None)
        self._backstage.close()

    async def _read(self, url: str, extract: Extract, *, refine: bool, tell: Progress) -> Text:
        async with self.chromium.page() as empty:
            page = await render(empty, url, self._fetcher, tell)
        tell(0.7, "converting")
        made = await asyncio.to_thread(markdown_of, page, extract)  # which may take seconds, and others read meanwhile
        sent = "Its scripts do not come to an end: this is the page as it was sent." if page.source == "sent" else None
        told = Text(
            markdown=made.markdown,
            title=made.title,
            url=page.url,
            status=page.status,
            source=page.source,
            note=_joined(sent, made.note),
        )
        if not refine:
            return told
        tell(0.8, "refining")
        better = await refined(told.markdown, self._settings)
        return replace(told, markdown=better.markdown, refined_by=better.by, note=_joined(told.note, better.note))


def _joined(*notes: str | None) -> str | None:
    return " ".join(filter(None, notes)) or None
