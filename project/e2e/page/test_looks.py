"""Each screen in each look: nothing that axe objects to, nothing wider than the window, and a picture to look at."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from e2e.page.browser import complaints, keep_picture, overflow, violations
from testkit.pictures import picture
from testkit.stack import Stack

pytestmark = pytest.mark.browser

LOOKS = {"light": ("light", 1440, 900), "dark": ("dark", 1440, 900), "phone": ("light", 360, 780)}


@pytest.fixture(scope="module")
def finished(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Jobs in every end state, by the name of the state."""
    asset = stack.owner.upload(picture(size=(1280, 800)), "dunes.jpg")
    film = stack.owner.submit("builtin/camera-move", image=asset["id"])
    failed = stack.owner.submit(fail="fatal")
    for job in (film, failed):
        stack.owner.wait(job["id"])
    return {"done": film["id"], "failed": failed["id"]}


@pytest.mark.parametrize("look", LOOKS)
def test_every_screen_is_fit_to_be_shown(
    look: str, browser: Browser, stack: Stack, finished: dict[str, str], photograph: Path
) -> None:
    scheme, width, height = LOOKS[look]
    context = browser.new_context(
        base_url=stack.base_url,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    against_policy = complaints(context)
    page = context.new_page()

    _create(page, photograph, look)
    for name, job_id in finished.items():
        page.goto(f"/jobs/{job_id}")
        page.get_by_text("A worker began").wait_for()
        _judge(page, f"job-{name}-{look}")
    page.goto("/jobs")
    page.get_by_role("list", name="Jobs").wait_for()
    _judge(page, f"jobs-{look}")
    page.goto("/nowhere")
    page.get_by_text("There is no such page").wait_for()
    _judge(page, f"nowhere-{look}")
    context.close()
    assert against_policy == []


def _create(page: Page, photograph: Path, look: str) -> None:
    page.goto("/")
    page.get_by_role("button", name="Make the film").click()
    page.get_by_text("Add a picture first.").wait_for()
    _judge(page, f"create-missing-{look}")
    page.set_input_files("input[type=file]", photograph)
    page.get_by_text("1280 × 800").wait_for()
    page.get_by_text("More settings").click()
    _judge(page, f"create-picture-{look}")
    page.get_by_text("From words").click()
    page.get_by_label("Prompt").fill("Misty hills on a cold morning")
    _judge(page, f"create-words-{look}")


def _judge(page: Page, name: str) -> None:
    keep_picture(page, name)
    assert violations(page) == [], name
    assert overflow(page) <= 0, name
