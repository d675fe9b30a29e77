"""Replicate's own SDK takes our fake for the service: so does the adapter that is tested against it."""

import base64
import io
from collections.abc import Iterator

import pytest
import replicate
from PIL import Image
from replicate.exceptions import ReplicateError
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret

from reelwork.testing.providers import FakeProviders

FLUX = "black-forest-labs/flux-schnell"


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.fixture
def replicate_client(fakes: FakeProviders) -> Iterator[replicate.Client]:
    client = replicate.Client(api_token=fakes.replicate.key, base_url=fakes.replicate.url)
    yield client
    client._client.close()


def test_replicate_predicts(fakes: FakeProviders, replicate_client: replicate.Client):
    prediction = replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox", "num_outputs": 2})
    assert (prediction.status, prediction.output) == ("starting", None)

    prediction.reload()
    assert prediction.status == "processing"
    assert prediction.progress is not None
    assert prediction.progress.percentage == 0.75
    prediction.reload()

    assert prediction.status == "succeeded"
    assert len(prediction.output) == 2
    assert opened(replicate_client._client.get(prediction.output[0]).content).format == "PNG"
    assert fakes.replicate.paid == 1


def test_replicate_runs_and_waits(replicate_client: replicate.Client):
    outputs = replicate_client.run(FLUX, input={"prompt": "a fox"})

    assert [str(output).startswith("http") for output in outputs] == [True]


def test_replicate_cancels_fails_and_refuses(fakes: FakeProviders, replicate_client: replicate.Client):
    prediction = replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox"})
    prediction.cancel()
    assert prediction.status == "canceled"

    fakes.replicate.behaviour.fail = "E6716"
    failed = replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox"})
    failed.reload()
    failed.reload()
    assert (failed.status, failed.error) == ("failed", "Timeout starting prediction (E6716)")

    fakes.replicate.behaviour.refuse = "insufficient_credit"
    with pytest.raises(ReplicateError) as raised:
        replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox"})
    assert (raised.value.status, raised.value.title) == (402, "Insufficient credit")


def test_replicate_tells_what_is_wrong_with_an_input(replicate_client: replicate.Client):
    with pytest.raises(ReplicateError) as raised:
        replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox", "num_outputs": 9})

    assert (raised.value.status, "num_outputs" in (raised.value.detail or "")) == (422, True)


def test_replicate_takes_files(replicate_client: replicate.Client):
    file = replicate_client.files.create(io.BytesIO(b"hello"), filename="a.txt")

    assert (file.size, file.content_type) == (5, "text/plain")


def test_replicate_signs_webhooks(fakes: FakeProviders, replicate_client: replicate.Client):
    prediction = replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox"})
    headers, body = fakes.replicate.webhook(fakes.replicate.works[prediction.id])
    secret = replicate_client.webhooks.default.secret()

    Webhooks.validate(headers=headers, body=body.decode(), secret=secret, tolerance=60)
    other = WebhookSigningSecret(key="whsec_" + base64.b64encode(b"another").decode())
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers, body=body.decode(), secret=other)


def test_replicate_is_told_that_its_key_is_wrong(fakes: FakeProviders, replicate_client: replicate.Client):
    fakes.replicate.key = "another"

    with pytest.raises(ReplicateError, match="Unauthenticated"):
        replicate_client.predictions.create(model=FLUX, input={"prompt": "a fox"})
