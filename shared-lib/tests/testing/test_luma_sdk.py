"""Luma's own SDK takes our fake for the service: so does the adapter that is tested against it."""

import time
from collections.abc import Iterator

import luma_agents
import pytest

from reelwork.testing.providers import FakeProviders


@pytest.fixture
def luma(fakes: FakeProviders) -> Iterator[luma_agents.Luma]:
    with luma_agents.Luma(auth_token=fakes.luma.key, base_url=f"{fakes.luma.url}/v1", max_retries=0) as client:
        yield client


def test_luma_makes_pictures_and_films(fakes: FakeProviders, luma: luma_agents.Luma):
    picture = luma.generations.create(prompt="a fox", aspect_ratio="16:9")
    film = luma.generations.create(
        prompt="a fox", model="ray-3.2", type="video", video={"duration": "5s", "resolution": "540p"}
    )
    states = [luma.generations.get(picture.id).state for _ in range(2)]
    luma.generations.get(film.id)
    ended = luma.generations.get(film.id)

    assert (picture.state, states) == ("queued", ["processing", "completed"])
    assert [output.type for output in ended.output or []] == ["video"]
    assert fakes.luma.paid == 2


def test_luma_fails_and_refuses(fakes: FakeProviders, luma: luma_agents.Luma):
    fakes.luma.behaviour.fail = "content_moderated"
    made = luma.generations.create(prompt="a fox")
    luma.generations.get(made.id)
    failed = luma.generations.get(made.id)
    assert (failed.state, failed.failure_code) == ("failed", "content_moderated")

    fakes.luma.behaviour.throttle = 1
    with pytest.raises(luma_agents.RateLimitError) as limited:
        luma.generations.create(prompt="a fox")
    assert limited.value.response.headers["retry-after"] == "7"

    with pytest.raises(luma_agents.BadRequestError, match="10s is for text-to-video only"):
        luma.generations.create(prompt="a fox", model="ray-3.2", type="video", video={"duration": "10s", "loop": True})


def test_a_work_may_end_by_itself_and_say_so(fakes: FakeProviders, luma: luma_agents.Luma):
    fakes.luma.behaviour.run_seconds = 0.02
    made = luma.generations.create(prompt="a fox")

    deadline = time.monotonic() + 10
    while luma.generations.get(made.id).state != "completed":
        assert time.monotonic() < deadline


def test_luma_is_told_that_its_key_is_wrong(fakes: FakeProviders, luma: luma_agents.Luma):
    fakes.luma.key = "another"

    with pytest.raises(luma_agents.AuthenticationError):
        luma.generations.create(prompt="a fox")
