"""Runway's own SDK takes our fake for the service: so does the adapter that is tested against it."""

import base64
from collections.abc import Iterator

import pytest
import runwayml

from reelwork.testing.providers import FakeProviders

PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


@pytest.fixture
def runway(fakes: FakeProviders) -> Iterator[runwayml.RunwayML]:
    with runwayml.RunwayML(api_key=fakes.runway.key, base_url=fakes.runway.url, max_retries=0) as client:
        yield client


def test_runway_films_a_picture(fakes: FakeProviders, runway: runwayml.RunwayML):
    made = runway.image_to_video.create(
        model="gen4_turbo", prompt_image=PICTURE, prompt_text="a fox runs", ratio="1280:720", duration=5
    )
    assert made.estimated_cost.credits == 25

    running, done = runway.tasks.retrieve(made.id), runway.tasks.retrieve(made.id)

    assert (running.status, running.progress) == ("RUNNING", 0.5)
    assert (done.status, len(done.output), done.cost.credits) == ("SUCCEEDED", 1, 25)
    assert fakes.runway.paid == 1


def test_runway_cancels_by_deleting(runway: runwayml.RunwayML):
    made = runway.image_to_video.create(model="gen4_turbo", prompt_image=PICTURE, ratio="960:960")

    runway.tasks.delete(made.id)

    with pytest.raises(runwayml.NotFoundError):
        runway.tasks.retrieve(made.id)


def test_runway_takes_uploads_fails_and_refuses(fakes: FakeProviders, runway: runwayml.RunwayML):
    uploaded = runway.uploads.create_ephemeral(file=("a.png", b"\x89PNG"))
    assert list(fakes.runway.uploads.values()) == [b"\x89PNG"]

    fakes.runway.behaviour.fail, fakes.runway.behaviour.polls = "SAFETY.INPUT.TEXT", 0
    made = runway.image_to_video.create(model="gen4_turbo", prompt_image=uploaded.uri, ratio="1280:720")
    assert runway.tasks.retrieve(made.id).failure_code == "SAFETY.INPUT.TEXT"

    fakes.runway.behaviour.refuse = "no_credits"
    with pytest.raises(runwayml.BadRequestError, match="enough credits"):
        runway.image_to_video.create(model="gen4_turbo", prompt_image=PICTURE, ratio="1280:720")


def test_runway_is_told_that_its_key_is_wrong(fakes: FakeProviders, runway: runwayml.RunwayML):
    fakes.runway.key = "another"

    with pytest.raises(runwayml.AuthenticationError):
        runway.tasks.retrieve("t")
