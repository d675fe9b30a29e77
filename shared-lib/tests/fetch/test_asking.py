"""Any question, and any answer of the other side, within the same rules as fetching."""

import ssl
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from reelwork.domain.errors import FetchFailed, UploadTooLarge, UrlRefused
from reelwork.fetch import Fetcher, FetchRules, Question
from testkit.forbidden_urls import PUBLIC
from testkit.internet import Names, Wire
from testkit.website import Website, page, redirect, running_website

pytestmark = pytest.mark.security

TLS = ssl.create_default_context()
HOOK = "http://hooks.example.com/hook"


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    pages = {
        "/hook": page(b"thanks", status="202 Accepted"),
        "/busy": page(b"", status="429 Slow", Retry_After="7"),
        "/moved": redirect("/hook"),
        "/long": page(b"x" * 5000),
        "/gzip": page(b"x", Content_Encoding="gzip"),
    }
    with running_website(pages) as running:
        yield running


@pytest.fixture
def fetcher(site: Website) -> Fetcher:
    names = Names({"hooks.example.com": [[PUBLIC]], "rebinding.example.com": [[PUBLIC], ["127.0.0.1"]]})
    return Fetcher(FetchRules(plain_http=True, seconds=5), resolve=names, network=Wire(site), tls=TLS)


async def test_a_question_brings_its_method_headers_and_content(site: Website, fetcher: Fetcher):
    question = Question(
        method="POST", headers={"Content-Type": "application/json", "User-Agent": "Hook/1"}, content=b'{"a": 1}'
    )

    reply = await fetcher.ask(HOOK, question, keep_bytes=100)

    assert (reply.status, reply.content, reply.url) == (202, b"thanks", HOOK)
    request_line, *headers = site.requests[-1].strip().split("\r\n")
    assert request_line == "POST /hook HTTP/1.1"
    assert dict(header.lower().split(": ", 1) for header in headers) == {
        "host": "hooks.example.com",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "application/json",
        "content-length": "8",
        "user-agent": "hook/1",
    }


async def test_headers_of_the_caller_never_say_whom_a_question_is_for(site: Website, fetcher: Fetcher):
    forged = {"host": "intranet", "Content-Length": "1", "Connection": "keep-alive", "accept-encoding": "gzip"}

    await fetcher.ask(HOOK, Question(method="POST", headers=forged, content=b"abc"), keep_bytes=100)

    head = site.requests[-1].lower()
    assert "intranet" not in head
    assert "content-length: 3\r\n" in head
    assert "keep-alive" not in head
    assert "gzip" not in head


async def test_an_error_of_the_other_side_is_an_answer(fetcher: Fetcher):
    reply = await fetcher.ask("http://hooks.example.com/busy", keep_bytes=100)

    assert (reply.status, reply.retry_after) == (429, "7")


async def test_a_redirect_is_followed_or_an_answer_as_one_likes(fetcher: Fetcher):
    followed = await fetcher.ask("http://hooks.example.com/moved", keep_bytes=100)
    told = await fetcher.ask("http://hooks.example.com/moved", keep_bytes=100, redirects=0)

    assert (followed.status, followed.url) == (202, HOOK)
    assert told.status == 302


async def test_a_long_answer_is_refused_or_cut(fetcher: Fetcher):
    cut = await fetcher.ask("http://hooks.example.com/long", keep_bytes=100, cut=True)

    assert (cut.content, cut.cut) == (b"x" * 100, True)
    with pytest.raises(UploadTooLarge):
        await fetcher.ask("http://hooks.example.com/long", keep_bytes=100)
    with pytest.raises(FetchFailed, match="compressed"):
        await fetcher.ask("http://hooks.example.com/gzip", keep_bytes=100)


async def test_an_address_is_checked_at_every_question(site: Website, fetcher: Fetcher):
    url = "http://rebinding.example.com/hook"
    await fetcher.check(url)
    before = site.connections

    with pytest.raises(UrlRefused) as refused:
        await fetcher.ask(url, keep_bytes=100, field="#/webhook/url")

    assert refused.value.errors[0].pointer == "#/webhook/url"
    assert site.connections == before


async def test_a_check_asks_nothing_of_the_address(site: Website):
    lax = Fetcher(
        FetchRules(ports=frozenset({site.port}), plain_http=True, allow=(ip_network("127.0.0.0/8"),)), tls=TLS
    )
    before = site.connections

    await lax.check(site.url)

    assert site.connections == before
    with pytest.raises(UrlRefused):
        await lax.check(f"http://10.0.0.1:{site.port}/")
