"""Someone puts markup where the page shows what people and models wrote: it stays text, and nothing of it runs."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.page.browser import complaints
from testkit.stack import Stack

pytestmark = pytest.mark.browser

MARKUP = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'

_FAILED = """() => new Promise((done) => {
    const image = document.querySelector("img[src=x]");
    if (image.complete) done(true);
    image.addEventListener("error", () => done(true));
})"""


def test_a_prompt_with_markup_is_shown_as_it_was_written(page: Page) -> None:
    page.goto("/")
    page.get_by_text("From words").click()
    page.get_by_label("Prompt").fill(MARKUP)
    page.get_by_role("button", name="Make the picture").click()

    page.get_by_role("img", name=f"Your picture: {MARKUP}").wait_for()

    _nothing_ran(page)
    page.goto("/jobs")
    expect(page.get_by_role("list", name="Jobs")).to_be_visible()
    _nothing_ran(page)


def test_a_file_name_with_markup_stays_a_name(page: Page, photograph: Path) -> None:
    page.goto("/")
    page.set_input_files(
        "input[type=file]",
        {"name": "<img src=x onerror=window.hit=1>.jpg", "mimeType": "image/jpeg", "buffer": photograph.read_bytes()},
    )
    expect(page.get_by_text("1280 × 800")).to_be_visible()
    page.get_by_role("button", name="Make the film").click()
    page.get_by_label("Your film").wait_for()

    _nothing_ran(page)


def test_an_error_and_tags_with_markup_stay_text(page: Page, stack: Stack) -> None:
    job = stack.owner.submit(fail="fatal")["id"]
    stack.owner.wait(job)
    with stack.documents() as database:  # as a model of somebody else's may have worded it
        database["jobs"].update_one(
            {"_id": job},
            {"$set": {"error.message": MARKUP, "events.$[ended].error.message": MARKUP, "tags": ["<img src=x>"]}},
            array_filters=[{"ended.error.message": {"$exists": True}}],
        )

    page.goto(f"/jobs/{job}")

    expect(page.get_by_text(MARKUP).first).to_be_visible()
    _nothing_ran(page)


def test_the_policy_stops_what_a_mistake_of_ours_would_let_in(browser: Browser, stack: Stack) -> None:
    """That the browser enforces it at all: a handler in markup, and a request to somebody else."""
    context = browser.new_context(base_url=stack.base_url)
    found = complaints(context)
    page = context.new_page()
    page.goto("/")

    page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", MARKUP)
    refused = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")

    assert page.evaluate(_FAILED)
    assert refused == "refused"
    assert page.evaluate("window.hit") is None
    assert any("inline event handler" in one for one in found)
    assert any("127.0.0.1:9" in one for one in found)
    context.close()


def _nothing_ran(page: Page) -> None:
    assert page.evaluate("window.hit") is None
    assert page.locator("img[src=x]").count() == 0
