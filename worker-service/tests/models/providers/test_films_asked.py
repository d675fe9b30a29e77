"""What is particular about the providers of films."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from reelwork.generator import InvalidInput, RemoteState
from testkit.providers import PICTURE, Asked, Case, case_of
from worker.models import luma

Ask = Callable[..., Asked]

RAY, RUNWAY = case_of("luma/ray-3.2"), case_of("runway/gen4-turbo")


def test_luma_gets_the_first_frame_inside_the_request(ask: Ask, inputs: dict[str, Path]):
    asked = ask(RAY)

    asked.begin(image=PICTURE, resolution="540p", loop=True, aspect_ratio="1:1")

    assert asked.order() == {
        "model": "ray-3.2",
        "type": "video",
        "prompt": "a fox",
        "aspect_ratio": "1:1",
        "video": {
            "duration": "5s",
            "resolution": "540p",
            "loop": True,
            "start_frame": {
                "data": base64.b64encode(inputs[PICTURE].read_bytes()).decode(),
                "media_type": "image/png",
            },
        },
    }


@pytest.mark.parametrize(("wish", "field"), [({"image": PICTURE}, "image"), ({"loop": True}, "loop")])
def test_what_luma_does_not_do_in_ten_seconds_is_refused_before_it_is_asked(ask: Ask, wish, field: str):
    asked = ask(RAY)

    error = asked.refusal(duration_seconds=10, **wish)

    assert isinstance(error, InvalidInput)
    assert (error.field, asked.fake.paid) == (field, 0)


def test_ray_in_1080p_is_a_model_with_a_price_of_its_own(ask: Ask):
    asked = ask(Case(model=luma.Ray1080, fake="luma", path="/v1"))

    asked.begin(duration_seconds=10)

    assert asked.order()["video"] == {"duration": "10s", "resolution": "1080p"}
    assert luma.Ray1080.pricing.amount == 2 * luma.Ray.pricing.amount


def test_runway_gets_the_picture_inside_the_request(ask: Ask, inputs: dict[str, Path]):
    asked = ask(RUNWAY)

    asked.begin(prompt="it runs", duration_seconds=8, aspect_ratio="21:9")

    assert asked.order() == {
        "model": "gen4_turbo",
        "promptImage": "data:image/png;base64," + base64.b64encode(inputs[PICTURE].read_bytes()).decode(),
        "promptText": "it runs",
        "ratio": "1584:672",
        "duration": 8,
        "seed": 7,
    }


def test_runway_is_given_no_empty_prompt(ask: Ask):
    asked = ask(RUNWAY)

    asked.begin()

    assert "promptText" not in asked.order()


def test_runways_progress_cost_and_limit_are_told(ask: Ask):
    asked = ask(RUNWAY)
    handle = asked.begin(duration_seconds=4)
    asked.fake.throttled, asked.fake.behaviour.hold = True, True  # type: ignore[attr-defined]
    throttled = asked.poll(handle)
    asked.fake.behaviour.hold = False
    running, done = asked.poll(handle), asked.polled(handle)

    assert (throttled.state, "as many jobs" in throttled.message) == (RemoteState.QUEUED, True)
    assert running.progress == 0.5
    assert done.cost_usd == 0.2
