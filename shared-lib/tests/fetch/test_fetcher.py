"""Fetching from real servers: good ones, and every bad one that we could think of."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from reelwork.domain.errors import FetchFailed, ReelworkError, UploadTooLarge
from reelwork.fetch import Fetched, Fetcher, FetchRules
from testkit.certificates import Authority
from testkit.website import Page, Website, endless, page, pieces, redirect, running_website, silent

pytestmark = pytest.mark.security

HOME = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LIMIT = 100_000
TLS = ssl.create_default_context()
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Kept:
    """What was handed over."""

    def __init__(self) -> None:
        self.content = b""

    async def __call__(self, chunk: bytes) -> None:
        self.content += chunk


async def fetch(site: Website, path: str = "/", *, kept: Kept | None = None, **rules: float) -> Fetched:
    bounds = {"seconds": 5.0, "quiet_seconds": 5.0} | rules
    opened = FetchRules(ports=frozenset({site.port}), plain_http=True, allow=HOME, **bounds)
    return await Fetcher(opened, tls=TLS).fetch(site.url + path, kept or Kept(), limit_bytes=LIMIT)


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    with running_website(GOOD | FAILING | LARGE | HANGING) as running:
        yield running


GOOD: dict[str, Page] = {
    "/page": page(b"\x89PNG", Content_Type="text/html"),
    "/empty": page(),
    "/limit": page(bytes(LIMIT)),
    "/chunked": pieces(CHUNKED, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"),
    "/until-close": pieces(OK + b"\r\n", b"abc"),
    "/interim": pieces(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", OK + b"Content-Length: 3\r\n\r\nabc"),
    "/identity": page(b"abc", Content_Encoding="identity"),
    "/moved-once": redirect("/page"),
    "/moved-twice": redirect("moved-once", "301 Moved"),
    "/moved-three-times": redirect("/moved-twice?again=1", "307 Again"),
}


@pytest.mark.parametrize("path", ["/page", "/moved-once", "/moved-twice", "/moved-three-times"])
async def test_bytes_are_handed_over_with_what_their_sender_says_of_them(site: Website, path: str):
    kept = Kept()

    fetched = await fetch(site, path, kept=kept)

    assert kept.content == b"\x89PNG"
    assert fetched == Fetched(url=f"{site.url}/page", content_type="text/html", size_bytes=4)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/empty", b""),
        ("/limit", bytes(LIMIT)),
        ("/chunked", b"abcde"),
        ("/until-close", b"abc"),
        ("/interim", b"abc"),
        ("/identity", b"abc"),
    ],
)
async def test_every_framing_of_http_is_read(site: Website, path: str, content: bytes):
    kept = Kept()

    fetched = await fetch(site, path, kept=kept)

    assert kept.content == content
    assert fetched.size_bytes == len(content)


async def test_the_question_tells_nothing_of_us_and_asks_for_plain_bytes(site: Website):
    await fetch(site, "/page?x=%20")

    request_line, *headers = site.requests[-1].strip().split("\r\n")
    assert request_line == "GET /page?x=%20 HTTP/1.1"
    named = dict(header.lower().split(": ", 1) for header in headers)
    assert named.keys() == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert named["accept-encoding"] == "identity"
    assert named["host"] == f"127.0.0.1:{site.port}"


FAILING: dict[str, Page] = {
    "/404": page(b"no", status="404 Not Found"),
    "/500": page(b"no", status="500 Oops"),
    "/204": pieces(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "/206": page(b"a", status="206 Partial Content"),
    "/304": pieces(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "/302-without-location": page(status="302 Found"),
    "/101": pieces(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    "/loop": redirect("/loop"),
    "/ping": redirect("/pong"),
    "/pong": redirect("/ping"),
    "/gzip": page(b"\x1f\x8b\x08", Content_Encoding="gzip"),
    "/brotli": page(b"x", Content_Encoding="br"),
    "/twice-encoded": page(b"x", Content_Encoding="identity, gzip"),
    "/no-http": pieces(b"220 mail.example.com ESMTP\r\n"),
    "/http2": pieces(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "/nothing": pieces(),
    "/half-a-head": pieces(b"HTTP/1.1 200"),
    "/cut": page(b"abc", length=10),
    "/cut-chunk": pieces(CHUNKED, b"5\r\nabc"),
    "/bad-chunk": pieces(CHUNKED, b"zz\r\nabc\r\n"),
    "/negative-length": pieces(OK + b"Content-Length: -1\r\n\r\nabc"),
    "/two-lengths": pieces(OK + b"Content-Length: 1\r\nContent-Length: 3\r\n\r\nabc"),
    "/long-header": pieces(OK + b"X: " + b"a" * 200_000 + b"\r\n\r\n"),
    "/endless-headers": endless(OK, b"X-More: " + b"a" * 1000 + b"\r\n"),
    "/endless-header": endless(OK + b"X: ", b"a" * 10_000),
    "/endless-interim": endless(b"", b"HTTP/1.1 103 Early Hints\r\nX: " + b"a" * 1000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("path", FAILING)
async def test_a_bad_answer_is_a_failed_fetch(site: Website, path: str):
    with pytest.raises(FetchFailed) as failed:
        await fetch(site, path)

    assert failed.value.status == 502
    assert str(site.port) not in failed.value.detail


LARGE: dict[str, Page] = {
    "/declared": page(b"", length=LIMIT + 1),
    "/declared-wildly": page(b"", length=10**15),
    "/one-byte-more": pieces(OK + b"\r\n", bytes(LIMIT + 1)),
    "/endless": endless(OK + b"\r\n", bytes(65_536)),
    "/endless-chunks": endless(CHUNKED, b"1000\r\n" + bytes(4096) + b"\r\n"),
}


@pytest.mark.parametrize("path", LARGE)
async def test_no_more_than_the_limit_is_handed_over(site: Website, path: str):
    kept = Kept()

    with pytest.raises(UploadTooLarge) as refused:
        await fetch(site, path, kept=kept)

    assert len(kept.content) <= LIMIT
    assert refused.value.errors[0].pointer == "#/url"


HANGING: dict[str, Page] = {
    "/silent": silent(),
    "/silent-head": silent(OK),
    "/silent-body": silent(OK + b"Content-Length: 10\r\n\r\n", b"abc"),
    "/drip": endless(OK + b"\r\n", b"a", pause_seconds=0.02),
    "/drip-head": endless(OK, b"X: a\r\n", pause_seconds=0.02),
}


@pytest.mark.parametrize("path", HANGING)
async def test_a_slow_answer_is_given_up(site: Website, path: str):
    with pytest.raises(FetchFailed, match="in time"):
        await fetch(site, path, seconds=0.5)


async def test_a_silence_is_given_up_before_the_whole_time_is_over(site: Website):
    with pytest.raises(FetchFailed, match="in time"):
        await fetch(site, "/silent-body", seconds=60, quiet_seconds=0.2)


async def test_a_lookup_is_given_up():
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    fetcher = Fetcher(FetchRules(lookup_seconds=0.1, seconds=60), resolve=never, tls=TLS)

    with pytest.raises(FetchFailed, match="in time"):
        await fetcher.fetch("https://example.com/", Kept(), limit_bytes=1)


async def test_a_port_where_nobody_listens_is_a_failed_fetch():
    with running_website() as gone:
        pass

    with pytest.raises(FetchFailed, match="No connection"):
        await fetch(gone)


async def test_a_name_is_tried_at_its_next_address():
    async def both(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    with running_website({"/": page(b"abc")}) as site:  # nobody listens at the first one
        opened = FetchRules(ports=frozenset({site.port}), plain_http=True, allow=HOME)
        fetched = await Fetcher(opened, resolve=both, tls=TLS).fetch(
            f"http://two.example.com:{site.port}/", Kept(), limit_bytes=LIMIT
        )

    assert fetched.size_bytes == 3


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.in_folder(tmp_path_factory.mktemp("tls") / "ours")


async def over_tls(site: Website, trusted: Authority) -> Fetched:
    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    opened = FetchRules(ports=frozenset({site.port}), allow=HOME, seconds=5)
    fetcher = Fetcher(opened, resolve=here, tls=ssl.create_default_context(cafile=trusted.ca_file))
    return await fetcher.fetch(f"https://pictures.example.com:{site.port}/", Kept(), limit_bytes=LIMIT)


async def test_the_name_of_the_address_is_what_a_certificate_must_be_for(authority: Authority):
    serving = authority.issue("pictures.example.com").serving()
    asked_for: list[str | None] = []
    serving.sni_callback = lambda _socket, name, _context: asked_for.append(name)

    with running_website({"/": page(b"abc")}, tls=serving) as site:
        fetched = await over_tls(site, authority)

    assert fetched.size_bytes == 3
    assert asked_for == ["pictures.example.com"]


async def test_a_certificate_that_proves_nothing_is_a_failed_fetch(authority: Authority, tmp_path: Path):
    stranger = Authority.in_folder(tmp_path / "theirs")
    proving_nothing = {
        "signed by nobody we know": stranger.issue("pictures.example.com"),
        "expired": authority.issue("pictures.example.com", valid=timedelta(days=-1)),
        "for another name": authority.issue("other.example.com", "127.0.0.1"),
    }
    for certificate in proving_nothing.values():
        with running_website({"/": page(b"abc")}, tls=certificate.serving()) as site:
            with pytest.raises(FetchFailed, match="TLS"):
                await over_tls(site, authority)
            assert site.requests == []


async def test_what_a_writer_raises_ends_the_fetch_as_it_is(site: Website):
    async def full(_chunk: bytes) -> None:
        raise OSError("disk full")

    opened = FetchRules(ports=frozenset({site.port}), plain_http=True, allow=HOME)

    with pytest.raises(OSError, match="disk full"):
        await Fetcher(opened, tls=TLS).fetch(f"{site.url}/page", full, limit_bytes=LIMIT)


async def test_many_at_once_do_not_stand_in_each_others_way(site: Website):
    paths = ["/page", "/404", "/silent", "/declared"] * 5

    results = await asyncio.gather(*(fetch(site, path, seconds=2) for path in paths), return_exceptions=True)

    assert [isinstance(result, Fetched) for result in results] == [path == "/page" for path in paths]
    assert all(isinstance(result, Fetched | ReelworkError) for result in results)
