"""What must not be reached is not reached: not by any way of writing it, not by a name, not by a redirect."""

import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from reelwork.domain.errors import FetchFailed, UrlRefused
from reelwork.fetch import Fetcher, FetchRules
from testkit.forbidden_urls import FORBIDDEN, NAMES, OTHER_PUBLIC, PUBLIC, PUBLIC_V6
from testkit.internet import Names, Wire
from testkit.website import Website, page, redirect, running_website

pytestmark = pytest.mark.security

TLS = ssl.create_default_context()


@pytest.fixture(scope="module", params=["127.0.0.1", "::1"])
def canary(request: pytest.FixtureRequest) -> Iterator[Website]:
    """Nobody may knock here."""
    with running_website(host=request.param) as site:
        yield site


async def kept(_: bytes) -> None:
    pass


def rules(site: Website) -> FetchRules:
    """As lax as they can be, so that only the address itself can be the reason."""
    return FetchRules(ports=frozenset({80, 443, site.port}), plain_http=True, seconds=5)


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_a_forbidden_address_is_refused_without_a_connection_or_a_lookup(name: str, canary: Website):
    wire, names = Wire(canary), Names({})
    fetcher = Fetcher(rules(canary), resolve=names, network=wire, tls=TLS)

    with pytest.raises(UrlRefused) as refused:
        await fetcher.fetch(FORBIDDEN[name].replace("{port}", str(canary.port)), kept, limit_bytes=10)

    (error,) = refused.value.errors
    assert error.pointer == "#/url"
    assert (wire.dialled, names.asked, canary.connections) == ([], [], 0)
    assert not any(part in refused.value.detail for part in ("127.", "169.254", "::1", "10.0"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_name_is_refused_if_any_of_its_addresses_is(name: str, scheme: str, canary: Website):
    wire = Wire(canary)
    fetcher = Fetcher(rules(canary), resolve=Names({name: [NAMES[name]]}), network=wire, tls=TLS)

    with pytest.raises(UrlRefused) as refused:
        await fetcher.fetch(f"{scheme}://{name}:{canary.port}/", kept, limit_bytes=10)

    assert refused.value.errors[0].code == "not_public"
    assert wire.dialled == []
    assert canary.connections == 0


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), None])
async def test_a_name_without_addresses_is_refused_in_the_words_for_private_ones(error: OSError | None):
    async def nothing(_host: str, _port: int) -> list[str]:
        if error is not None:
            raise error
        return []

    told = []
    for resolve in (nothing, Names({"inside.example.com": [("10.1.2.3",)]})):
        with pytest.raises(UrlRefused) as refused:
            await Fetcher(FetchRules(), resolve=resolve, tls=TLS).fetch(
                "https://inside.example.com/", kept, limit_bytes=1
            )
        told.append((refused.value.detail, refused.value.errors))

    assert told[0] == told[1]


async def test_a_name_server_that_is_away_is_a_failed_fetch():
    async def away(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    with pytest.raises(FetchFailed, match="looked up"):
        await Fetcher(FetchRules(), resolve=away, tls=TLS).fetch("https://example.com/", kept, limit_bytes=1)


@pytest.mark.parametrize("address", [PUBLIC, OTHER_PUBLIC, PUBLIC_V6])
async def test_a_name_that_changes_its_meaning_is_asked_once_and_the_checked_address_is_reached(address: str):
    names = Names({"rebind.example.com": [(address,), ("127.0.0.1",)]})
    with running_website({"/": page(b"public")}) as site:
        wire = Wire(site)
        fetcher = Fetcher(rules(site), resolve=names, network=wire, tls=TLS)

        fetched = await fetcher.fetch(f"http://rebind.example.com:{site.port}/", kept, limit_bytes=10)

        assert fetched.size_bytes == 6
        assert f"\r\nHost: rebind.example.com:{site.port}\r\n" in site.requests[0]
    assert wire.dialled == [address]
    assert names.asked == ["rebind.example.com"]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 For Ever"])
async def test_a_redirect_is_checked_as_the_address_was(status: str, canary: Website):
    """The same name at its second lookup, a private address, another port, a file."""
    targets = [
        "http://public.example.com:{port}/",
        f"http://{'[::1]' if canary.host == '::1' else canary.host}:{{port}}/",
        f"//{'[::1]' if canary.host == '::1' else canary.host}:{{port}}/",
        "http://93.184.216.34:22/",
        "file:///etc/passwd",
        "http://good@93.184.216.34/",
    ]
    for target in targets:
        names = Names({"public.example.com": [(PUBLIC,), (canary.host,)]})
        with running_website({"/": redirect(target.replace("{port}", str(canary.port)), status)}) as site:
            wire = Wire(site)
            fetcher = Fetcher(rules(canary), resolve=names, network=wire, tls=TLS)

            with pytest.raises(UrlRefused):
                await fetcher.fetch(f"http://public.example.com:{canary.port}/", kept, limit_bytes=10)

        assert wire.dialled == [PUBLIC]
    assert canary.connections == 0


async def test_a_proxy_of_the_environment_is_not_asked(canary: Website, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, canary.url)
    with running_website({"/": page(b"direct")}) as site:
        fetcher = Fetcher(rules(site), resolve=Names({"public.example.com": [(PUBLIC,)]}), network=Wire(site), tls=TLS)

        await fetcher.fetch(f"http://public.example.com:{site.port}/", kept, limit_bytes=10)

    assert canary.connections == 0


async def test_an_opened_network_opens_nothing_beside_it(canary: Website):
    opened = FetchRules(ports=frozenset({canary.port}), plain_http=True, allow=(ip_network("10.0.0.0/8"),))
    fetcher = Fetcher(opened, resolve=Names({"localhost": [(canary.host,)]}), tls=TLS)

    for host in ("localhost", "127.0.0.1", "[::1]"):
        with pytest.raises(UrlRefused):
            await fetcher.fetch(f"http://{host}:{canary.port}/", kept, limit_bytes=10)

    assert canary.connections == 0
