"""Someone who integrates the API wants to see what happens."""

import pytest
from playwright.sync_api import Page, expect

from testkit.stack import Stack

pytestmark = pytest.mark.browser


def test_a_job_that_a_program_sends_shows_up_and_moves_without_a_reload(page: Page, stack: Stack) -> None:
    page.goto("/jobs")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()

    job = stack.owner.submit(seconds=1)

    line = page.get_by_role("listitem").filter(has=page.locator(f'a[href="/jobs/{job["id"]}"]'))
    expect(line).to_be_visible()
    expect(line.get_by_text("Done")).to_be_visible()


def test_a_running_job_is_cancelled_from_the_list(page: Page, stack: Stack) -> None:
    job = stack.owner.submit(seconds=300)
    stack.owner.wait(job["id"], "processing")
    page.goto("/jobs?status=processing")

    page.get_by_role("button", name="Cancel No-op").click()

    assert stack.owner.wait(job["id"])["status"] == "cancelled"
    page.goto("/jobs?status=cancelled")
    expect(page.locator(f'a[href="/jobs/{job["id"]}"]')).to_be_visible()


def test_a_failed_job_tells_why_and_is_made_again(page: Page, stack: Stack) -> None:
    job = stack.owner.submit(fail="fatal")
    stack.owner.wait(job["id"])
    page.goto(f"/jobs/{job['id']}")
    expect(page.get_by_text("The test asked for a failure that stays.").first).to_be_visible()
    expect(page.get_by_text("It failed", exact=True)).to_be_visible()

    page.get_by_role("button", name="Make it again").click()

    page.wait_for_url(lambda url: "/jobs/job_" in url and job["id"] not in url)


def test_a_gateway_that_restarts_in_mid_job_is_waited_for(page: Page, stack: Stack) -> None:
    job = stack.owner.submit(seconds=3)
    page.goto(f"/jobs/{job['id']}")
    expect(page.get_by_text("Working", exact=True)).to_be_visible()

    stack.gateway.stop()
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    stack.gateway.start()

    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    expect(page.get_by_text("The server does not answer")).to_be_hidden()
