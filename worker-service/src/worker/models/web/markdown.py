"""Markdown of a page, by three ways of telling content from what surrounds it."""

import re
from typing import Literal, TypeAlias

import trafilatura
from html_to_markdown import ConversionError, ConversionOptions, PreprocessingOptions, convert
from lxml import html

from reelwork.generator import InvalidInput
from worker.models.web.clean import content_of, parsed, title_of, without_machinery
from worker.models.web.render import Rendered

Extract: TypeAlias = Literal["main", "article", "full"]

# The page is clean when it comes here: nothing more is to be left out.
_OPTIONS = ConversionOptions(
    bullets="-",
    extract_metadata=False,
    hidden_content="all",
    infer_dimensions=False,
    preprocessing=PreprocessingOptions(enabled=False),
    sub_symbol="~",
    sup_symbol="^",
)
_HEADING = re.compile(r"^# ", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")
_ADDRESS = re.compile(r"\]\([^)\s]*\)|<?https?://\S+")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


def markdown_of(page: Rendered, extract: Extract) -> tuple[str, str]:
    """The text and the page's title. Raises InvalidInput for a page without any text."""
    if page.source == "text":
        return _checked(_decoded(page.html)), ""
    try:
        document = parsed(page.html, page.url)
    except ValueError as error:
        raise InvalidInput("The page is empty.", field="url") from error
    title = page.title or title_of(document)
    text = _article(document, page.url) if extract == "article" else None
    if text is None:
        part = without_machinery(document) if extract == "full" else content_of(document)
        text = _converted(part)
    text = _checked(text)
    return (text if extract == "full" else _titled(text, title)), title


def words_of(markdown: str) -> int:
    """How many words a reader reads: addresses are none."""
    return len(_WORD.findall(_ADDRESS.sub("]", markdown)))


def _article(document: html.HtmlElement, url: str) -> str | None:
    """What trafilatura takes for the article: stricter than our own rules, better where a page marks nothing."""
    return trafilatura.extract(
        html.tostring(document, encoding="unicode"),
        url=url,
        output_format="markdown",
        include_links=True,
        include_images=True,
        include_comments=False,
        favor_recall=True,
    )


def _converted(part: html.HtmlElement) -> str:
    try:
        return convert(html.tostring(part, encoding="unicode", with_tail=False), _OPTIONS).content or ""
    except ConversionError as error:
        raise InvalidInput("The page cannot be turned into text.", field="url") from error


def _titled(text: str, title: str) -> str:
    return text if not title or _HEADING.search(text) else f"# {title}\n\n{text}"


def _checked(text: str) -> str:
    tidy = _BLANKS.sub("\n\n", text).strip()
    if not _WORD.search(tidy):
        raise InvalidInput("The page has no text.", field="url")
    return f"{tidy}\n"


def _decoded(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")
