"""Markdown of a page, by three ways of telling content from what surrounds it."""

import re
from dataclasses import dataclass
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
# Characters of a document: finding an article takes time by their square, three seconds for as many as these.
LONGEST_ARTICLE = 400_000
_HEADING = re.compile(r"^# ", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")
_ADDRESS = re.compile(r"\]\([^)\s]*\)|<?https?://\S+")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """`title`: the page's own. `note`: how this is not what was asked for."""

    markdown: str
    title: str = ""
    note: str | None = None


def markdown_of(page: Rendered, extract: Extract) -> Converted:
    """The text of a page; seconds of work for a long one. Raises InvalidInput for a page without any text."""
    if page.source == "text":
        return Converted(markdown=_checked(_decoded(page.html)))
    try:
        document = parsed(page.html, page.url)
    except ValueError as error:
        raise InvalidInput("The page is empty.", field="url") from error
    title = page.title or title_of(document)
    if extract == "full":
        return Converted(markdown=_checked(_converted(without_machinery(document))), title=title)
    text, note = _article(document, page.url) if extract == "article" else (None, None)
    text = _checked(_converted(content_of(document)) if text is None else text)
    return Converted(markdown=_titled(text, title), title=title, note=note)


def words_of(markdown: str) -> int:
    """How many words a reader reads: addresses are none."""
    return len(_WORD.findall(_ADDRESS.sub("]", markdown)))


def _article(document: html.HtmlElement, url: str) -> tuple[str | None, str | None]:
    """What trafilatura takes for the article, if anything: stricter than our own rules, better where a page marks
    nothing. Or why it was not asked."""
    source = html.tostring(document, encoding="unicode")
    if len(source) > LONGEST_ARTICLE:
        return None, "It is too long to look for an article in it: this is its main part."
    text = trafilatura.extract(
        source,
        url=url,
        output_format="markdown",
        include_links=True,
        include_images=True,
        include_comments=False,
        favor_recall=True,
    )
    return text, None


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
        raise InvalidInput("The page has no text: it may want a log-in, or be made of pictures.", field="url")
    return f"{tidy}\n"


def _decoded(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace")
