"""What is particular about the providers of pictures."""

from collections.abc import Callable

import httpx2 as httpx
import pytest

from reelwork.generator import ContentRejected, InvalidInput, ProviderRefused, RemoteState
from testkit.providers import POLLED, WEBHOOK, Asked, Case, case_of
from worker.models import openai_images

Ask = Callable[..., Asked]

REPLICATE, FAL = case_of("replicate/black-forest-labs/flux-schnell"), case_of("fal/flux-schnell")
OPENAI = case_of("openai/gpt-image")


def test_replicate_gets_the_input_in_its_own_words(ask: Ask):
    asked = ask(REPLICATE, webhook_url=WEBHOOK)

    asked.begin(images=2, steps=3, aspect_ratio="16:9", output_format="jpeg", megapixels="0.25")

    assert asked.order()["model"] == "black-forest-labs/flux-schnell"
    assert asked.order()["input"] == {
        "prompt": "a fox",
        "num_outputs": 2,
        "num_inference_steps": 3,
        "aspect_ratio": "16:9",
        "output_format": "jpg",
        "megapixels": "0.25",
        "seed": 7,
    }


def test_replicates_complaint_names_our_parameter(ask: Ask):
    asked = ask(REPLICATE)
    asked.fake.behaviour.refuse = "invalid_input"

    error = asked.refusal()

    assert isinstance(error, InvalidInput)
    assert error.field == "prompt"


def test_what_replicate_has_removed_is_gone(ask: Ask):
    asked = ask(REPLICATE)
    handle = asked.begin()
    asked.polled(handle)
    asked.fake.behaviour.outputs_expired = True

    error = asked.poll(handle).error

    assert error is not None
    assert "an hour" in error.message


@pytest.mark.parametrize("case", [case for case in POLLED if case is not REPLICATE], ids=str)
def test_an_address_that_has_expired_is_replaced_by_asking_again(ask: Ask, case: Case):
    asked = ask(case)
    handle = asked.begin()
    old = asked.polled(handle).outputs[0].url
    asked.fake.behaviour.outputs_expired = True
    assert httpx.get(old or "").status_code == 403

    asked.fake.behaviour.outputs_expired = False
    fresh = asked.poll(handle).outputs[0].url

    assert fresh != old
    assert httpx.get(fresh or "").status_code == 200


def test_fal_gets_the_input_in_its_own_words(ask: Ask):
    asked = ask(FAL)

    asked.begin(images=3, aspect_ratio="3:4", steps=8)

    assert asked.order() == {
        "application": "fal-ai/flux/schnell",
        "prompt": "a fox",
        "num_images": 3,
        "image_size": "portrait_4_3",
        "num_inference_steps": 8,
        "output_format": "png",
        "seed": 7,
    }


def test_fals_queue_is_told(ask: Ask):
    asked = ask(FAL)
    asked.fake.behaviour.hold = True

    assert asked.poll(asked.begin()).message == "2 before it in fal's queue"


def test_pictures_that_fal_has_blackened_are_not_handed_out(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    asked = ask(FAL)
    made = type(asked.fake)._images  # type: ignore[attr-defined]

    def flagged(flags: list[bool]) -> None:
        monkeypatch.setattr(asked.fake, "_images", lambda work: made(asked.fake, work) | {"has_nsfw_concepts": flags})

    handle = asked.begin(images=2)
    flagged([True, False])
    assert len(asked.polled(handle).outputs) == 1
    flagged([True, True])
    status = asked.poll(handle)

    assert status.state is RemoteState.FAILED
    assert isinstance(status.error, ContentRejected)


def test_a_request_that_was_cancelled_at_fal_ends(ask: Ask):
    asked = ask(FAL)
    handle = asked.begin()
    asked.model.cancel(handle, asked.context)

    assert asked.poll(handle).state is RemoteState.FAILED


def test_openai_is_asked_for_the_model_of_the_setting(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    asked = ask(OPENAI)
    asked.submit(images=1, aspect_ratio="2:3", quality="low", background="transparent", output_format="webp")
    order = asked.order()
    assert (order["model"], order["n"], order["size"]) == (openai_images.DEFAULT_MODEL, 1, "1024x1536")
    assert (order["quality"], order["background"], order["output_format"]) == ("low", "transparent", "webp")

    monkeypatch.setenv("OPENAI_IMAGE_MODEL", "gpt-image-1")
    error = asked.refusal()

    assert isinstance(error, ProviderRefused)
    assert "OPENAI_IMAGE_MODEL" in error.message


def test_a_transparent_jpeg_is_refused_before_openai_is_asked(ask: Ask):
    asked = ask(OPENAI)

    error = asked.refusal(background="transparent", output_format="jpeg")

    assert isinstance(error, InvalidInput)
    assert (error.field, asked.fake.paid) == ("output_format", 0)


def test_high_quality_is_a_model_with_a_price_of_its_own(ask: Ask):
    asked = ask(Case(model=openai_images.HighGptImage, fake="openai", path="/v1"))

    asked.submit()

    assert asked.order()["quality"] == "high"


@pytest.mark.parametrize("answer", [{"data": []}, {"data": [{"b64_json": "%%%"}]}, {}, [], None])
def test_an_answer_without_pictures_fails_and_is_not_asked_for_again(ask: Ask, answer: object):
    asked = ask(OPENAI)

    status = asked.model._written(answer, asked.parameters(), asked.context)  # type: ignore[attr-defined]

    assert status.state is RemoteState.FAILED
    assert not status.error.retryable
