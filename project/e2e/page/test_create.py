"""Someone with a picture or an idea wants a film of it now."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.page.browser import FOREIGN_NAME, violations
from testkit.stack import Stack

pytestmark = pytest.mark.browser

_MOVES = """video => new Promise((done, failed) => {
    const start = video.currentTime;
    video.addEventListener("timeupdate", () => { if (video.currentTime !== start) done(true); });
    video.addEventListener("error", () => failed(new Error(video.error.message)));
})"""


def test_a_photograph_becomes_a_film_that_plays_in_place(page: Page, photograph: Path) -> None:
    page.goto("/")

    page.set_input_files("input[type=file]", photograph)
    expect(page.get_by_text("1280 × 800")).to_be_visible()
    page.get_by_role("button", name="Make the film").click()
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()

    film = page.get_by_label("Your film")
    film.wait_for()
    assert film.evaluate(_MOVES)
    assert film.evaluate("video => [video.muted, video.loop, video.videoHeight]") == [True, True, 720]


def test_the_film_is_downloaded_under_a_name_with_all_its_bytes(page: Page, photograph: Path) -> None:
    page.goto("/")
    page.set_input_files("input[type=file]", photograph)
    page.get_by_role("button", name="Make the film").click()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()

    assert download.value.suggested_filename.endswith(".mp4")
    assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"


def test_words_become_a_picture_and_the_picture_a_film(page: Page) -> None:
    page.goto("/")
    page.get_by_text("From words").click()
    page.get_by_label("Prompt").fill("A sunset over mountains")
    page.get_by_role("button", name="Make the picture").click()
    painting = page.get_by_role("img", name="Your picture: A sunset over mountains")
    painting.wait_for()
    assert painting.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1280

    page.get_by_role("button", name="Make a film of it").click()
    page.get_by_role("button", name="Make the film").click()

    assert page.get_by_label("Your film").evaluate(_MOVES)


def test_a_reload_in_mid_job_loses_nothing(page: Page, stack: Stack) -> None:
    job = stack.owner.submit(seconds=4)
    page.goto(f"/?job={job['id']}")
    expect(page.get_by_text("Working", exact=True)).to_be_visible()

    page.reload()

    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    assert job["id"] in page.url


def test_a_file_that_only_pretends_to_be_a_picture_is_refused_with_the_reason(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "holiday.png"
    text.write_text("not a picture")
    page.goto("/")

    page.set_input_files("input[type=file]", text)

    expect(page.get_by_role("alert")).to_contain_text("not accepted")
    assert violations(page) == []


def test_everything_can_be_done_with_the_keyboard(page: Page) -> None:
    page.goto("/")
    page.get_by_role("radio", name="From a picture").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")

    page.keyboard.type("Stars over a quiet desert")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("img", name="Your picture: Stars over a quiet desert")).to_be_visible()


def test_under_a_name_that_is_not_this_machine_the_page_asks_for_a_key(page: Page, stack: Stack) -> None:
    page.goto(f"http://{FOREIGN_NAME}:{stack.port}/")
    page.get_by_label("API key").fill("rw_wrong")
    page.get_by_role("button", name="Open Reelwork").click()
    expect(page.get_by_role("alert")).to_contain_text("not accepted")
    assert violations(page) == []

    page.get_by_label("API key").fill(stack.owner.key)
    page.get_by_role("button", name="Open Reelwork").click()

    expect(page.get_by_role("form", name="What to make")).to_be_visible()
    page.reload()
    expect(page.get_by_role("form", name="What to make")).to_be_visible()
    assert page.evaluate("localStorage.length") == 0
