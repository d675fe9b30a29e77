"""OpenAI's own SDK takes our fake for the service: so does the adapter that is tested against it."""

import base64
import io
from collections.abc import Iterator

import openai
import pytest
from PIL import Image

from reelwork.testing.providers import FakeProviders


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.fixture
def openai_client(fakes: FakeProviders) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=fakes.openai.key, base_url=f"{fakes.openai.url}/v1", max_retries=0) as client:
        yield client


def test_openai_answers_with_the_images(fakes: FakeProviders, openai_client: openai.OpenAI):
    made = openai_client.images.generate(model="gpt-image-2.5-flare", prompt="a fox", n=2, size="1024x1024")

    assert [opened(base64.b64decode(image.b64_json or "")).format for image in made.data or []] == ["PNG", "PNG"]
    assert made.usage is not None
    assert made.usage.output_tokens == 2112
    assert fakes.openai.paid == 1


def test_openai_refuses(fakes: FakeProviders, openai_client: openai.OpenAI):
    fakes.openai.behaviour.refuse = "moderation_blocked"
    with pytest.raises(openai.BadRequestError) as blocked:
        openai_client.images.generate(model="gpt-image-2", prompt="a fox")
    assert blocked.value.code == "moderation_blocked"

    fakes.openai.behaviour.refuse, fakes.openai.behaviour.throttle = None, 1
    with pytest.raises(openai.RateLimitError) as limited:
        openai_client.images.generate(model="gpt-image-2", prompt="a fox")
    assert limited.value.response.headers["retry-after"] == "7"

    with pytest.raises(openai.NotFoundError):
        openai_client.images.generate(model="gpt-image-1", prompt="a fox")


def test_openai_is_told_that_its_key_is_wrong(fakes: FakeProviders, openai_client: openai.OpenAI):
    fakes.openai.key = "another"

    with pytest.raises(openai.AuthenticationError):
        openai_client.images.generate(model="gpt-image-2", prompt="a fox")
