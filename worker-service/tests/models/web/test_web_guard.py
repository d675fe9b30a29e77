"""A page cannot make us reach what only we can reach, by whatever it does to its address or asks for."""

import asyncio

import pytest

from reelwork.generator import InvalidInput
from testkit.forbidden_urls import PUBLIC
from testkit.internet import Wire
from testkit.waiting import until
from testkit.website import Website
from worker.models.web import gate
from worker.models.web.reader import Reader

pytestmark = [pytest.mark.browser, pytest.mark.security]

PRIVATE = "http://intranet.example.com/secret"


@pytest.mark.parametrize(
    "path",
    [
        "/to-private",
        "/redirect-to-redirect",
        "/meta-to-private",
        "/script-to-private",
        "/late-to-private",
        "/click-to-private",
        "/form-to-private",
        PRIVATE,
        "http://127.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
def test_what_leads_to_a_private_address_is_refused(read, site: Website, wire: Wire, path: str):
    with pytest.raises(InvalidInput, match="not fetched") as refused:
        read(path)

    assert refused.value.field == "url"
    assert set(wire.dialled) <= {PUBLIC}
    assert not any("secret" in request for request in site.requests)


@pytest.mark.parametrize("path", [PRIVATE, "/to-private", "/click-to-private", "/hungry-to-private"])
def test_a_refused_page_leaves_no_request_without_an_answer(read, reader: Reader, path: str):
    """What the browser's side still waits for is a fault in the log when the worker ends."""
    with pytest.raises(InvalidInput, match="not fetched"):
        read(path)

    until(lambda: not unanswered(reader))


def unanswered(reader: Reader) -> list[str]:
    async def found() -> list[str]:
        return [name for task in asyncio.all_tasks() if "_on_route" in (name := str(task.get_coro()))]

    return reader._backstage.run(found(), lambda: None)


def test_a_name_that_means_something_else_a_moment_later_is_refused(read, wire: Wire):
    first = read("http://rebinding.example.com/plain")

    with pytest.raises(InvalidInput, match="not fetched"):
        read("http://rebinding.example.com/plain")

    assert "Some words" in first.markdown
    assert set(wire.dialled) <= {PUBLIC}


def test_nothing_that_a_page_asks_for_reaches_a_private_address(read, site: Website, wire: Wire):
    text = read("/probing")

    assert "Some words to read." in text.markdown
    assert "redirect was blocked" in text.markdown
    assert set(wire.dialled) <= {PUBLIC}
    assert not any("secret" in request or "/sw.js" in request for request in site.requests)


def test_the_browser_itself_has_no_way_to_any_address(reader: Reader, site: Website):
    """Without our answers, as if one kind of request had slipped through."""
    before = site.connections

    async def unguarded() -> str:
        async with reader.chromium.page() as tab:
            try:
                await tab.goto(site.url)
            except Exception as error:  # noqa: BLE001  (whatever it is called)
                return str(error)
            return "reached"

    said = reader._backstage.run(unguarded(), lambda: None)

    assert "ERR_PROXY_CONNECTION_FAILED" in said or "ERR_SOCKS_CONNECTION_FAILED" in said
    assert site.connections == before


def test_a_page_cannot_use_us_to_send_anything(read, site: Website):
    read("/post")

    assert not any("/sink" in request for request in site.requests)


def test_what_a_page_asks_for_at_once_and_later_has_one_allowance_of_bytes(
    read, site: Website, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gate, "MOST_BYTES", 1_000_000)
    one_read_each = gate.AT_ONCE * 65_536
    before, asked = wire.received_bytes, len(site.requests)

    text = read("/greedy")

    assert "All were asked for." in text.markdown
    assert 1_000_000 < wire.received_bytes - before < 1_100_000 + one_read_each
    assert sum("/endless" in request for request in site.requests[asked:]) <= gate.AT_ONCE


def test_a_document_too_many_is_not_even_asked_for(read, site: Website):
    asked = len(site.requests)

    with pytest.raises(InvalidInput, match="without end"):
        read("/script-loop")

    assert sum("/script-loop" in request for request in site.requests[asked:]) == gate.MOST_DOCUMENTS
