"""Web pages to Markdown, by a real Chromium: what is wanted stays, what surrounds it goes."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from reelwork.generator import Cancelled, InvalidInput, LocalContext, ModelCard, ProviderUnavailable
from reelwork.generator.local import Progress
from testkit.processes import below, is_alive, send
from testkit.waiting import until
from worker.models.web import chromium, render
from worker.models.web.reader import Reader
from worker.models.web_markdown import WebMarkdown, WebMarkdownParameters

pytestmark = pytest.mark.browser

HOST = "http://www.example.com"
PAGES = Path(__file__).parent / "pages"


def snippets(name: str) -> list[str]:
    return (PAGES / name).read_text().splitlines()


@pytest.mark.parametrize("name", ["article", "docs", "product", "news", "listing"])
def test_a_page_keeps_what_is_wanted_and_loses_what_surrounds_it(read, name: str):
    text = read(f"/{name}")

    lost = [snippet for snippet in snippets(f"{name}.wanted") if snippet not in text.markdown]
    left = [snippet for snippet in snippets(f"{name}.unwanted") if snippet in text.markdown]
    assert (lost, left) == ([], []), text.markdown
    assert (text.status, text.source) == (200, "rendered")


def test_an_article_alone_and_everything_are_other_ways_to_extract(read):
    article, full = read("/article", "article"), read("/article", "full")

    assert "eleven animals" in article.markdown
    assert "| 2016 |" in article.markdown
    assert "cookies" not in article.markdown
    for snippet in ("eleven animals", "We use cookies", "Science desk", "All rights reserved", "Ten harbours"):
        assert snippet in full.markdown
    assert "dataLayer" not in full.markdown


def test_a_redirect_is_told_and_links_are_relative_to_its_end(read):
    text = read("/moved")

    assert text.url == f"{HOST}/folder/there"
    assert f"[Next]({HOST}/folder/next)" in text.markdown


@pytest.mark.parametrize("path", ["/meta", "/script"])
def test_a_page_that_opens_another_one_is_followed(read, path: str):
    text = read(path)

    assert text.url == f"{HOST}/plain"
    assert text.markdown == "# Plain\n\nSome words to read.\n"


def test_text_is_taken_as_it_is(read):
    text = read("/note.txt")

    assert (text.markdown, text.source, text.words) == ("Just # text, with ümlauts.\n", "text", 4)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/loop", "redirects more than"),
        ("/script-loop", "without end"),
        ("/huge", "too large"),
        ("/growing", "8,000,000"),
        ("/empty", "no text|empty"),
        ("/picture", "image/png"),
        ("/gone", "410"),
    ],
)
def test_what_is_no_page_is_refused_with_the_reason(read, path: str, reason: str):
    with pytest.raises((InvalidInput, ProviderUnavailable), match=reason) as refused:
        read(path)

    assert isinstance(refused.value, ProviderUnavailable) or str(refused.value).startswith("url: ")


def test_a_page_that_is_down_is_tried_again_when_it_says(read):
    with pytest.raises(ProviderUnavailable, match="503") as failed:
        read("/down")

    assert failed.value.retry_after == 7


def test_a_page_may_say_by_a_date_when_it_is_there_again(read):
    with pytest.raises(ProviderUnavailable, match="429") as failed:
        read("/later")

    assert failed.value.retry_after > 1_000_000


def test_a_page_that_never_comes_to_rest_is_taken_as_it_stands(read):
    assert "Some words to read." in read("/restless").markdown


def test_a_page_whose_scripts_never_end_is_taken_as_it_was_sent_and_others_go_on(read):
    text = read("/busy")

    assert (text.markdown, text.source) == ("# Plain\n\nSome words to read.\n", "sent")
    assert "as it was sent" in (text.note or "")
    assert "Some words" in read("/plain").markdown


def test_a_page_that_is_never_sent_to_its_end_is_given_up(read):
    with pytest.raises(ProviderUnavailable, match="in time"):
        read("/unfinished")


def test_broken_html_is_read_as_browsers_read_it(read):
    broken, deep = read("/broken"), read("/deep")

    assert all(word in broken.markdown for word in ("# Broken", "bold", "italic", "cell", "item"))
    assert "At the bottom." in deep.markdown


def test_a_long_page_is_converted_beside_the_pages_that_are_read_meanwhile(reader: Reader):
    """While its text is made, the browser's event loop goes on with others: it answers before the text is there."""
    answered_meanwhile: list[bool] = []

    async def is_reading() -> bool:
        return any(task.get_coro().__qualname__ == "Reader._read" for task in asyncio.all_tasks())

    def progress(_fraction: float, stage: str) -> None:
        if stage == "converting" and not answered_meanwhile:
            loop = reader._backstage._started()
            answered_meanwhile.append(asyncio.run_coroutine_threadsafe(is_reading(), loop).result(30))

    text = reader.read(f"{HOST}/long", extract="main", refine=False, progress=progress)

    assert text.words > 9_000 * 5
    assert answered_meanwhile == [True]


def test_a_long_page_is_no_article_and_its_main_part_is_taken(read):
    text = read("/long", "article")

    assert text.words > 9_000 * 5
    assert "too long" in (text.note or "")


def test_a_browser_that_died_is_started_again(reader: Reader, read):
    read("/plain")
    starts = reader.chromium.starts
    browsers = below(os.getpid(), "chrom")

    send(signal.SIGKILL, browsers)
    until(lambda: not reader.chromium._browser.is_connected())

    assert browsers
    assert "Some words" in read("/plain").markdown
    assert reader.chromium.starts == starts + 1


def stop_all() -> None:
    send(signal.SIGSTOP, below(os.getpid(), "chrom"))


def kill_zygotes() -> None:
    """Without them there is no process for a new page."""
    send(signal.SIGKILL, [pid for pid in below(os.getpid(), "chrom") if b"--type=zygote" in _command(pid)])


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture
def browsers(read) -> Iterator[list[int]]:
    """The processes of the browser; those that are left in the end are killed."""
    read("/plain")
    running = below(os.getpid(), "chrom")
    assert running
    yield running
    send(signal.SIGKILL, set(running) & set(below(os.getpid(), "chrom")))


@pytest.mark.parametrize("harm", [stop_all, kill_zygotes])
def test_a_browser_that_opens_no_page_is_given_up_and_another_one_is_started(
    reader: Reader, read, monkeypatch, browsers: list[int], harm: Callable[[], None]
):
    starts = reader.chromium.starts
    (driver,) = (pid for pid in below(os.getpid(), "node") if browsers[0] in below(pid, "chrom"))
    harm()

    with monkeypatch.context() as hasty:
        hasty.setattr(chromium, "PAGE_SECONDS", 0.5)
        with pytest.raises(ProviderUnavailable, match="try again"):
            read("/plain")

    assert "Some words" in read("/plain").markdown
    assert reader.chromium.starts == starts + 1
    send(signal.SIGKILL, browsers)  # as the driver does after half a minute
    until(lambda: not any(is_alive(pid) for pid in (driver, *browsers)))


@pytest.mark.usefixtures("browsers")
def test_a_browser_that_hangs_with_a_page_open_is_not_taken_for_a_page_whose_scripts_never_end(read, monkeypatch):
    monkeypatch.setattr(render, "ALIVE_SECONDS", 0.5)
    monkeypatch.setattr(chromium, "CLOSE_SECONDS", 0.5)

    def progress(_fraction: float, stage: str) -> None:
        if stage == "waiting_for_scripts":
            stop_all()

    with pytest.raises(ProviderUnavailable, match="hangs"):
        read("/restless", progress=progress)


def test_a_cancelled_job_stops_at_once_and_leaves_no_page_behind(reader: Reader, read, tmp_path: Path):
    read("/plain")
    browser, stages = reader.chromium._browser, []

    def progress(report: Progress) -> None:
        stages.append(report.stage)
        if report.stage == "opening_page":
            context.cancel()

    context = LocalContext(tmp_path, on_progress=progress)

    with pytest.raises(Cancelled):  # and not ProviderUnavailable, as when the page is given up
        list(WebMarkdown(reader).generate(WebMarkdownParameters(url=f"{HOST}/unfinished"), context))

    assert stages[-1] == "opening_page"
    until(lambda: not browser.contexts)


def test_the_model_hands_over_a_markdown_file_and_says_what_it_does(reader: Reader, tmp_path: Path):
    context = LocalContext(tmp_path)

    (artifact,) = WebMarkdown(reader).generate(WebMarkdownParameters(url=f"{HOST}/article", refine=False), context)

    assert (artifact.name, artifact.media_type) == ("page.md", "text/markdown")
    assert artifact.path.read_text().startswith("# Why harbour seals")
    words = artifact.meta["words"]
    assert artifact.meta == {
        "title": "Why harbour seals came back to the Tamar – The Coastal Review",
        "url": f"{HOST}/article",
        "source": "rendered",
        "words": words,
        "status": 200,
        "is_ai": False,
    }
    assert 200 < words < 300
    assert [report.stage for report in context.reports][:2] == ["starting_browser", "opening_page"]


@pytest.mark.parametrize("executable", ["/nowhere/chromium", "/"])
def test_it_is_a_model_of_the_browser_pool_that_says_what_it_lacks(monkeypatch, executable: str):
    card = ModelCard.of(WebMarkdown)
    monkeypatch.setenv("REELWORK_BROWSER_EXECUTABLE", executable)

    assert (card.name, card.pool) == ("builtin/web-markdown", "browser")
    assert "make servers" in (WebMarkdown.available() or "")


def test_what_is_logged_of_a_page_names_the_job_that_asked_for_it(reader: Reader, tmp_path: Path):
    """Also for the second job of a browser, which was started for the first one."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        for job in ("job_first", "job_second"):
            with bound_contextvars(job_id=job):
                list(WebMarkdown(reader).generate(WebMarkdownParameters(url=f"{HOST}/probing"), LocalContext(tmp_path)))
            assert {line["job_id"] for line in lines if line["event"] == "fetch.refused"} == {job}
            lines.clear()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "HTTP://Example.COM:8080?q=(a)#b",
        "https://[2606:2800:220:1::1]/",
        "https://xn--bcher-kva.x/%C3",
    ],
)
def test_every_form_of_a_web_address_is_taken(url: str):
    assert WebMarkdownParameters(url=url).url == url
