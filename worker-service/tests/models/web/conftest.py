"""A site with pages of every kind, an internet that leads to it alone, and one browser for all tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reelwork.fetch import Fetcher, FetchRules
from run.servers.debian import Unfetchable
from run.servers.fetch import chromium
from testkit.anthropic import FakeAnthropic, running_anthropic
from testkit.forbidden_urls import PUBLIC
from testkit.internet import Names, Wire
from testkit.services import unavailable
from testkit.website import Page, Website, endless, page, redirect, running_website, silent
from worker.models.web import render
from worker.models.web.reader import Reader, Text
from worker.models.web.settings import WebSettings

HOST = "http://www.example.com"
PAGES = Path(__file__).parent / "pages"
OK = b"HTTP/1.1 200 OK\r\n"
BROKEN = b"<main><h1>Broken<p><b>bold <i>both</b> italic</i><table><td>cell<ul><li>item</main>\xff\xfe&#0;"


def html(body: str, head: str = "") -> Page:
    text = f"<!doctype html><html><head><title>Test page</title>{head}</head><body>{body}</body></html>"
    return page(text.encode(), Content_Type="text/html; charset=utf-8")


def file(name: str, content_type: str, encoding: str = "utf-8") -> Page:
    return page((PAGES / name).read_text().encode(encoding), Content_Type=content_type)


PRIVATE = "http://intranet.example.com/secret"
TEXT = "<main id=note><h1>Plain</h1><p>Some words to read.</p></main>"
SITE: dict[str, Page] = {
    "/article": file("article.html", "text/html"),
    "/docs": file("docs.html", "text/html; charset=utf-8"),
    "/product": file("product.html", "text/html"),
    "/product.js": file("product.js", "text/javascript"),
    "/products/7731.json": file("product.json", "application/json"),
    "/news": file("news.html", "text/html", "windows-1252"),
    "/listing": file("listing.html", "text/html"),
    "/style.css": page(b"body { color: black }", Content_Type="text/css"),
    "/plain": html(TEXT),
    "/note.txt": page("Just # text, with ümlauts.\n".encode(), Content_Type="text/plain; charset=utf-8"),
    "/moved": redirect("/folder/there"),
    "/folder/there": html(f'{TEXT.removesuffix("</main>")}<p><a href="next">Next</a></p></main>'),
    "/meta": html("", '<meta http-equiv="refresh" content="0;url=/plain">'),
    "/script": html("<script>location.replace('/plain')</script>"),
    "/to-private": redirect(PRIVATE),
    "/meta-to-private": html(TEXT, f'<meta http-equiv="refresh" content="0;url={PRIVATE}">'),
    "/script-to-private": html(f"{TEXT}<script>location = '{PRIVATE}'</script>"),
    "/late-to-private": html(f"{TEXT}<script>setTimeout(() => location.assign('{PRIVATE}'), 100)</script>"),
    "/click-to-private": html(f"{TEXT}<a id=a href='{PRIVATE}'>x</a><script>a.click()</script>"),
    "/form-to-private": html(f"{TEXT}<form action='{PRIVATE}'></form><script>document.forms[0].submit()</script>"),
    "/hungry-to-private": html(
        "".join(f"<script src='/unfinished?{n}' async></script>" for n in range(20))
        + f"<script>location = '{PRIVATE}'</script>"
    ),
    "/redirect-to-redirect": redirect("/to-private"),
    "/loop": redirect("/loop"),
    "/script-loop": html("<script>location.replace('/script-loop?' + Math.random())</script>"),
    "/probing": html(
        TEXT
        + "".join(
            f"<{tag}>"
            for tag in (
                f"img src={PRIVATE}/img",
                f"iframe src={PRIVATE}/frame></iframe",
                f"script src={PRIVATE}/js></script",
                f"link rel=stylesheet href={PRIVATE}/css",
                f"object data={PRIVATE}/object></object",
                "script>"
                + "".join(
                    f"try {{ {code} }} catch {{}};"
                    for code in (
                        f"fetch('{PRIVATE}/fetch')",
                        f"fetch('{PRIVATE}/post', {{method: 'POST', body: 'x'}})",
                        f"navigator.sendBeacon('{PRIVATE}/beacon', 'x')",
                        f"new EventSource('{PRIVATE}/events')",
                        f"new WebSocket('{PRIVATE.replace('http', 'ws')}/socket')",
                        f"window.open('{PRIVATE}/popup')",
                        f"new Worker(URL.createObjectURL(new Blob([`fetch('{PRIVATE}/worker')`])))",
                        "navigator.serviceWorker.register('/sw.js')",
                        "fetch('/to-private').catch(() => { note.append('redirect was blocked') })",
                    )
                )
                + "</script",
            )
        )
    ),
    "/post": html(TEXT + "<script>fetch('/sink', {method: 'POST', body: 'x'})</script>"),
    "/huge": endless(OK + b"Content-Type: text/html\r\n\r\n<p>", b"word " * 20_000),
    "/greedy": html(
        TEXT
        + """<script>
        const get = () => fetch('/endless?' + Math.random()).then((answer) => answer.text()).catch(() => {});
        const eight = [...Array(8)];
        Promise.all(eight.map(get)).then(async () => {
          for (const _ of eight) await get();
          note.append('All were asked for.');
        });
        </script>"""
    ),
    "/endless": endless(OK + b"Content-Type: text/plain\r\n\r\n", b"word " * 10_000),
    "/long": html("<p>Some <b>words</b> and <a href='/plain'>a link</a>.</p>" * 9_000),
    "/growing": html("<script>document.write('<p hidden>' + 'word '.repeat(2e6))</script>"),
    "/restless": html(TEXT + "<p id=t></p><script>setInterval(() => { t.textContent = Date.now() }, 20)</script>"),
    "/busy": html(TEXT + "<script>setTimeout(() => { for (;;); }, 0)</script>"),
    "/unfinished": silent(OK + b"Content-Type: text/html\r\n\r\n<p>Never the end"),
    "/broken": page(BROKEN, Content_Type="text/html"),
    "/deep": page(b"<div>" * 5000 + b"<p>At the bottom.</p>", Content_Type="text/html"),
    "/empty": page(b"", Content_Type="text/html"),
    "/picture": page(b"\x89PNG", Content_Type="image/png"),
    "/gone": page(b"<h1>Not here</h1>", status="410 Gone", Content_Type="text/html"),
    "/later": page(b"", status="429 Slow", Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"),
    "/down": page(b"", status="503 Down", Retry_After="7"),
}


@pytest.fixture(scope="session")
def site() -> Iterator[Website]:
    with running_website(SITE) as running:
        yield running


@pytest.fixture(scope="session")
def wire(site: Website) -> Wire:
    return Wire(site)


@pytest.fixture(scope="session")
def claude() -> Iterator[FakeAnthropic]:
    with running_anthropic() as fake:
        yield fake


@pytest.fixture(scope="session")
def reader(wire: Wire, claude: FakeAnthropic) -> Iterator[Reader]:
    """One browser for all tests."""
    try:
        executable = chromium()
    except Unfetchable as missing:
        raise unavailable("Chromium", [str(missing)]) from None
    settings = WebSettings(anthropic_api_key="sk-ant-test", anthropic_base_url=claude.url)
    names = Names(
        {
            "www.example.com": [[PUBLIC]],
            "api.example.com": [[PUBLIC]],
            "intranet.example.com": [["10.1.2.3"]],
            "rebinding.example.com": [[PUBLIC], ["127.0.0.1"]],
        }
    )
    fetcher = Fetcher(FetchRules(plain_http=True, seconds=10, quiet_seconds=1), resolve=names, network=wire)
    reader = Reader(settings, executable, fetcher=fetcher)
    yield reader
    reader.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of this site need no longer than this."""
    monkeypatch.setattr(render, "QUIET_SECONDS", 0.25)
    monkeypatch.setattr(render, "READY_SECONDS", 1.0)
    monkeypatch.setattr(render, "MOST_REST_SECONDS", 2.0)


@pytest.fixture
def read(reader: Reader) -> Callable[..., Text]:
    def text(
        path: str,
        extract: str = "main",
        *,
        refine: bool = False,
        progress: Callable[[float, str], None] = lambda *_: None,
    ) -> Text:
        url = path if "://" in path else HOST + path
        return reader.read(url, extract=extract, refine=refine, progress=progress)

    return text
