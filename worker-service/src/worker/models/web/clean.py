"""What of a page is its content: everything but what stands around it on every page of a site."""

import re
from collections.abc import Iterator

from lxml import html
from lxml.html import HtmlElement

# Of no use to a reader of text, wherever they stand.
_MACHINERY = ("script", "style", "noscript", "template", "iframe", "object", "embed", "canvas", "svg", "link", "meta")
_CONTROLS = ("button", "input", "select", "textarea", "dialog")
_NEVER = frozenset({*_MACHINERY, *_CONTROLS})
# Not text of the page, although it is text.
_SILENT = frozenset({"script", "style", "noscript"})
# Around the content. Inside of it a header has the title, and an aside a remark.
_AROUND = frozenset({"nav", "header", "footer", "aside", "form"})
_AROUND_ROLES = frozenset({"banner", "navigation", "contentinfo", "complementary", "search", "toolbar", "menubar"})
_NEVER_ROLES = frozenset({"dialog", "alertdialog", "navigation", "search", "menu", "menubar", "tooltip"})
# Whole words of class names and ids, however they are joined (`cookie-banner`, `newsletterSignup`).
_CRUFT = frozenset(
    {
        *("ad", "ads", "advert", "advertisement", "advertising", "banner", "breadcrumb", "breadcrumbs", "consent"),
        *("cookie", "cookies", "gdpr", "interstitial", "masthead", "modal", "navbar", "newsletter", "onetrust"),
        *("overlay", "pagination", "paywall", "popup", "promo", "promoted", "promotion", "recommended", "related"),
        *("share", "sharing", "sidebar", "skip", "skiplink", "social", "sponsor", "sponsored", "subscribe"),
        *("subscription", "toast", "toc"),
    }
)
# These may say more than a short page does; what is named by the other words is content if most of the text is in it.
_NOTICES = frozenset({"cookie", "cookies", "consent", "gdpr", "onetrust"})
_MOST_SHARE = 1 / 3
_ANCHOR = re.compile(r"\s*[#¶§🔗]?\s*")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CONTENT = ("main", "article")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# Less text than this share of the whole is no content: a page may call anything `main`.
_LEAST_SHARE = 0.25


def parsed(source: str | bytes, url: str) -> HtmlElement:
    """The document, however broken; its links made absolute. Raises ValueError where there is none at all."""
    # Without its limit of depth: what is deeper would be lost. What an encoding is not told, the document tells.
    parser = html.HTMLParser(encoding="utf-8" if isinstance(source, str) else None, huge_tree=True)
    data = source.encode("utf-8", "replace") if isinstance(source, str) else source
    try:
        document: HtmlElement = html.document_fromstring(data, parser=parser)
    except (html.etree.ParserError, html.etree.XMLSyntaxError) as error:
        raise ValueError("the document is empty") from error
    _drop_inline_data(document)
    document.make_links_absolute(url, resolve_base_href=True, handle_failures="ignore")
    return document


def title_of(document: HtmlElement) -> str:
    """What the document calls itself, on one line."""
    return " ".join((document.findtext(".//title") or "").split())


def content_of(document: HtmlElement) -> HtmlElement:
    """The part to be read, without what stands around it. Takes the document apart."""
    content = _main_part(document)
    most = len(_text(content)) * _MOST_SHARE
    for element in list(_unwanted(content, most)):
        if element.getparent() is not None:
            element.drop_tree()
    return content


def without_machinery(document: HtmlElement) -> HtmlElement:
    """The body with all that can be read, whatever it is. Takes the document apart."""
    for element in list(document.iter(*_MACHINERY)):
        element.drop_tree()
    body = document.find(".//body")
    return document if body is None else body


def _main_part(document: HtmlElement) -> HtmlElement:
    body = document.find(".//body")
    whole = document if body is None else body
    enough = len(_text(whole)) * _LEAST_SHARE
    for found in (*whole.iterfind(".//main"), *whole.xpath(".//*[@role='main']")):
        if len(_text(found)) >= enough:
            return found
    articles = whole.findall(".//article")
    return articles[0] if len(articles) == 1 and len(_text(articles[0])) >= enough else whole


def _text(element: HtmlElement) -> str:
    return " ".join(" ".join(_told_in(element)).split())


def _told_in(element: HtmlElement) -> Iterator[str]:
    """The pieces of text in it, by one walk: XPath would sort them, which takes minutes for a long page."""
    walk = html.etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if node.tag in _SILENT:
                walk.skip_subtree()
            elif node.text:
                yield node.text
        elif node.tail and node is not element:
            yield node.tail


def _unwanted(content: HtmlElement, most: float) -> Iterator[HtmlElement]:
    for element in content.iterdescendants():
        if (
            not isinstance(element.tag, str)  # a comment or such
            or element.tag in _NEVER
            or _surrounds(element)
            or _is_hidden(element)
            or _is_cruft(element, most)
            or _is_anchor(element)
        ):
            yield element


def _surrounds(element: HtmlElement) -> bool:
    role = element.get("role", "")
    if element.tag == "nav" or role in _NEVER_ROLES:
        return True
    if element.tag not in _AROUND and role not in _AROUND_ROLES:
        return False
    return not any(parent.tag in _CONTENT for parent in element.iterancestors())


def _is_hidden(element: HtmlElement) -> bool:
    """Not to be seen by anybody. Panels of tabs are content that waits for a click."""
    if element.get("role") == "tabpanel":
        return False
    return element.get("hidden") is not None or _HIDDEN_STYLE.search(element.get("style", "")) is not None


def _is_cruft(element: HtmlElement, most: float) -> bool:
    """Named for something that is not the content, and short beside it."""
    if element.tag in ("body", "main", "h1", "h2", "h3", "h4", "pre", "code", "table"):
        return False
    names = f"{element.get('class', '')} {element.get('id', '')}"
    found = _CRUFT.intersection(word.lower() for word in _WORD.findall(names))
    return bool(found) and (bool(found & _NOTICES) or len(_text(element)) <= most)


def _is_anchor(element: HtmlElement) -> bool:
    """The sign beside a heading that links to itself."""
    parent = element.getparent()
    in_heading = parent is not None and parent.tag in ("h1", "h2", "h3", "h4", "h5", "h6")
    return element.tag == "a" and in_heading and _ANCHOR.fullmatch(element.text_content()) is not None


def _drop_inline_data(document: HtmlElement) -> None:
    """Pictures that are written into the page are longer than its text, and nothing in Markdown: what they show stays.
    Those that load late have their address elsewhere."""
    for image in document.iter("img"):
        source = image.get("data-src") or image.get("src", "")
        if _leads_nowhere(source):
            image.tag, image.text = "span", image.get("alt", "")
            image.attrib.clear()
        else:
            image.set("src", source)
    for link in document.iter("a"):
        if _leads_nowhere(link.get("href", "")):
            link.attrib.pop("href", None)


def _leads_nowhere(address: str) -> bool:
    return not address.strip() or address.lstrip().lower().startswith(("data:", "javascript:", "blob:", "vbscript:"))
