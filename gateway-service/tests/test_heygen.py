"""The video translation paths of HeyGen: an address of a video in, a status to ask after, not too often."""

import asyncio
import itertools
import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest

from reelwork.domain.tier import Tier
from testkit.caller import Caller, Json, expect
from testkit.clips import write_clip
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until
from testkit.website import Page, Website, page, running_website


@pytest.fixture(scope="module")
def held_up() -> threading.Event:
    """Lets go of what holds up the first answer."""
    return threading.Event()


def the_first_after(moment: threading.Event, whole: Page) -> Page:
    """This page; who asks first waits for the moment."""
    asked = itertools.count()

    async def send() -> AsyncIterator[bytes]:
        if next(asked) == 0:
            await asyncio.to_thread(moment.wait, 60)
        async for piece in whole():
            yield piece

    return send


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, held_up: threading.Event) -> Iterator[Website]:
    path: Path = tmp_path_factory.mktemp("site") / "video.mp4"
    write_clip(path, seconds=2)
    video = page(path.read_bytes())
    pages = {"/video.mp4": video, "/text": page(b"no film"), "/held-up.mp4": the_first_after(held_up, video)}
    with running_website(pages) as running:
        yield running
        held_up.set()


@pytest.fixture(scope="module")
def translating(mongo_url: str, s3: S3Service, site: Website) -> Iterator[Stack]:
    """A gateway that may fetch from this machine, and translations that are done at once."""
    with running_stack(
        Servers(mongo_url=mongo_url, s3=s3),
        fetch_allow="127.0.0.0/8",
        fetch_plain_http=True,
        fetch_ports=f"443,80,{site.port}",
        heygen_shortest_delay=0,
        heygen_longest_delay=0,
        tiers=json.dumps(
            {tier: {"requests_per_minute": 10_000} for tier in Tier}
            | {"developer": {"requests_per_minute": 10_000, "jobs_per_day": 1}}
        ),
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def client(translating: Stack) -> Caller:
    return translating.caller("translator")


@pytest.fixture(scope="module")
def translation(client: Caller, site: Website) -> Json:
    """One that is done."""
    asked = client.http.post("/translate/", json={"video_url": f"{site.url}/video.mp4"})
    created = expect(200, asked)
    assert created.keys() == {"id", "status", "delay"}
    assert (created["status"], created["delay"]) == ("pending", 0)
    client.wait(created["id"])
    return created


def test_a_translation_ends_completed(client: Caller, translation: Json):
    assert expect(200, client.http.get(f"/translate/status/{translation['id']}")) == translation | {
        "status": "completed"
    }


def test_what_comes_back_says_that_it_is_simulated(client: Caller, translation: Json):
    job = client.job(translation["id"])

    assert job["model"] == "simulated/video-translation"
    assert job["outputs"][0]["content_type"] == "video/mp4"
    assert job["outputs"][0]["meta"]["simulated"] is True


def test_a_translation_that_was_cancelled_is_an_error(client: Caller, site: Website, translating: Stack):
    blocker = client.submit(seconds=60)["id"]
    client.wait(blocker, "processing")
    created = expect(200, client.http.post("/translate/", json={"video_url": f"{site.url}/video.mp4"}))
    client.cancel(created["id"])
    client.cancel(blocker)

    assert expect(200, client.http.get(f"/translate/status/{created['id']}"))["status"] == "error"


@pytest.mark.parametrize(
    ("path", "status"), [("{site}/text", 415), ("{site}/nothing", 502), ("http://169.254.169.254/x", 422), ("", 422)]
)
def test_what_is_no_video_is_refused_and_nothing_is_kept(
    client: Caller, translating: Stack, site: Website, path: str, status: int
):
    before = translating.stored()

    answer = client.http.post("/translate/", json={"video_url": path.replace("{site}", site.url)})

    assert expect(status, answer).keys() == {"detail"}
    assert not translating.added_since(before)


def test_what_the_plan_has_not_is_refused_before_the_video_is_fetched(translating: Stack, site: Website):
    free = translating.caller("free translator", tier=Tier.FREE)
    before, asked = translating.stored(), len(site.requests)

    answer = free.http.post("/translate/", json={"video_url": f"{site.url}/video.mp4"})

    expect(403, answer)
    assert not translating.added_since(before)
    assert len(site.requests) == asked


def test_of_many_at_once_those_beyond_the_quota_leave_no_video(translating: Stack, site: Website):
    few = translating.caller("one a day", tier=Tier.DEVELOPER)

    def ask(_: int) -> int:
        return few.http.post("/translate/", json={"video_url": f"{site.url}/video.mp4"}).status_code

    with ThreadPoolExecutor(max_workers=4) as pool:
        statuses = sorted(pool.map(ask, range(4)))

    assert statuses == [200, 429, 429, 429]
    assert len(expect(200, few.http.get("/v1/assets", params={"purpose": "input"}))["items"]) == 1


def test_the_same_request_under_a_key_is_one_translation(client: Caller, translating: Stack, site: Website):
    body, key = {"video_url": f"{site.url}/video.mp4"}, {"Idempotency-Key": "translate once"}

    first = client.http.post("/translate/", json=body, headers=key)
    before = translating.stored()
    second = client.http.post("/translate/", json=body, headers=key)
    other = client.http.post("/translate/", json={"video_url": f"{site.url}/other.mp4"}, headers=key)

    assert expect(200, second) == expect(200, first)
    assert second.headers["idempotency-replayed"] == "true"
    assert expect(422, other).keys() == {"detail"}
    assert translating.stored().jobs == before.jobs


def test_a_request_that_is_begun_again_while_its_video_is_fetched_keeps_one(
    client: Caller, translating: Stack, site: Website, held_up: threading.Event
):
    body, key = {"video_url": f"{site.url}/held-up.mp4"}, {"Idempotency-Key": "begun twice"}
    before, asked = translating.stored(), len(site.requests)

    with ThreadPoolExecutor(max_workers=1) as pool:
        slow = pool.submit(client.http.post, "/translate/", json=body, headers=key)
        until(lambda: len(site.requests) > asked)
        with translating.documents() as database:
            silent = {"leased_until": datetime.now(UTC) - timedelta(seconds=1)}
            assert database["idempotency"].update_one({"state": "running"}, {"$set": silent}).modified_count == 1
        quick = client.http.post("/translate/", json=body, headers=key)
        held_up.set()

    job = expect(200, quick)["id"]
    assert expect(200, slow.result())["id"] == job
    assert len(site.requests) == asked + 2
    kept = {thing for thing in translating.added_since(before) if thing.startswith(("job_", "asset_"))}
    assert kept == {job, client.wait(job)["input"]["video"]}


@pytest.mark.parametrize("name", ["nope", "job_x"])
def test_an_unknown_translation_is_not_found(translating: Stack, name: str):
    other = translating.caller("asker")

    assert expect(404, other.http.get(f"/translate/status/{name}")) == {"detail": "Video not found"}


def test_a_job_of_another_kind_is_no_translation(translating: Stack):
    other = translating.caller("asker")

    assert expect(404, other.http.get(f"/translate/status/{other.submit()['id']}")) == {"detail": "Video not found"}


def test_the_key_is_taken_by_the_sources_header_and_a_wrong_one_is_told_so(translating: Stack, client: Caller):
    url = f"{translating.base_url}/translate/status/job_x"

    assert httpx.get(url, headers={"X-Api-Key": client.key}).status_code == 404
    for headers in ({}, {"X-Api-Key": "wrong"}):
        answer = httpx.get(url, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Missing or invalid API key"})


def test_the_eleventh_look_within_thirty_seconds_is_told_when_to_come_back(translating: Stack):
    hasty = translating.caller("hasty")
    answers = [hasty.http.get("/translate/status/job_x") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    waits = answers[-1].headers["retry-after"]
    assert 1 <= int(waits) <= 30
    assert answers[-1].headers["x-retry-after"] == waits
    assert expect(200, hasty.http.get("/v1/jobs"))
