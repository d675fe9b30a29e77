"""Each documented refusal and failure of a provider has a meaning of ours."""

from collections.abc import Callable

import pytest

from reelwork.generator import (
    ContentRejected,
    GenerationError,
    InsufficientCredit,
    InvalidInput,
    OutOfResources,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    RemoteState,
)
from reelwork.testing.providers.fal import FakeFal
from reelwork.testing.providers.heygen import FakeHeyGen
from reelwork.testing.providers.luma import FakeLuma
from reelwork.testing.providers.openai_images import FakeOpenAiImages
from reelwork.testing.providers.replicate import FakeReplicate
from reelwork.testing.providers.runway import FakeRunway
from testkit.providers import Asked, case_of

Ask = Callable[..., Asked]

FAKES = (FakeReplicate, FakeFal, FakeLuma, FakeHeyGen, FakeRunway, FakeOpenAiImages)
MODELS = {
    "replicate": "replicate/black-forest-labs/flux-schnell",
    "fal": "fal/flux-schnell",
    "luma": "luma/ray-3.2",
    "heygen": "heygen/video-translation",
    "runway": "runway/gen4-turbo",
    "openai": "openai/gpt-image",
}

REFUSALS = {
    "replicate": {
        "unauthenticated": ProviderRefused,
        "insufficient_credit": InsufficientCredit,
        "forbidden": ProviderRefused,
        "not_found": ProviderRefused,
        "invalid_input": InvalidInput,
        "internal": ProviderUnavailable,
    },
    "fal": {
        "unauthorized": ProviderRefused,
        "exhausted_balance": InsufficientCredit,
        "not_found": ProviderRefused,
        "internal_error": ProviderUnavailable,
    },
    "luma": {
        "invalid": InvalidInput,
        "unauthorized": ProviderRefused,
        "insufficient_balance": InsufficientCredit,
        "suspended": ProviderRefused,
        "too_large": InvalidInput,
        "bad_media": InvalidInput,
        "unavailable": ProviderUnavailable,
    },
    "heygen": {
        "invalid_parameter": InvalidInput,
        "unauthorized": ProviderRefused,
        "insufficient_credit": InsufficientCredit,
        "forbidden": ProviderRefused,
        "resource_not_found": ProviderRefused,
        "asset_not_available": ProviderUnavailable,
        "payload_too_large": InvalidInput,
        "internal_error": ProviderUnavailable,
    },
    "runway": {
        "invalid": InvalidInput,
        "no_credits": InsufficientCredit,
        "unauthorized": ProviderRefused,
        "not_found": ProviderRefused,
        "overloaded": ProviderUnavailable,
    },
    "openai": {
        "moderation_blocked": ContentRejected,
        "content_policy_violation": ContentRejected,
        "billing_hard_limit_reached": InsufficientCredit,
        "invalid_value": InvalidInput,
        "invalid_api_key": ProviderRefused,
        "model_not_found": ProviderRefused,
        "insufficient_quota": InsufficientCredit,
        "rate_limit_exceeded": RateLimited,
        "server_error": ProviderUnavailable,
    },
}

# With each: whether the same job may succeed another time.
FAILURES = {
    "replicate": {
        "E1000": (ProviderUnavailable, True),
        "E1001": (OutOfResources, True),
        "E6716": (ProviderUnavailable, True),
        "E005": (ContentRejected, False),
        "nsfw": (ContentRejected, False),
        "crashed": (GenerationError, False),
        "aborted": (ProviderUnavailable, True),
    },
    "fal": {
        "request_timeout": (GenerationError, True),
        "startup_timeout": (GenerationError, True),
        "runner_scheduling_failure": (GenerationError, True),
        "runner_connection_timeout": (GenerationError, True),
        "runner_disconnected": (GenerationError, True),
        "runner_server_error": (GenerationError, True),
        "internal_error": (GenerationError, True),
        "content_policy_violation": (ContentRejected, False),
        "image_too_large": (InvalidInput, False),
        "value_error": (InvalidInput, False),
        "downstream_service_error": (GenerationError, True),
    },
    "luma": {
        "content_moderated": (ContentRejected, False),
        "generation_failed": (GenerationError, True),
        "budget_exhausted": (InsufficientCredit, False),
        "output_not_found": (GenerationError, True),
        "image_too_large": (InvalidInput, False),
        "unsupported_format": (InvalidInput, False),
        "corrupt_input": (InvalidInput, False),
        "invalid_request": (InvalidInput, False),
        "rate_limited": (RateLimited, True),
    },
    "heygen": {
        "no_speech": (InvalidInput, False),
        "moderation": (ContentRejected, False),
        "internal": (GenerationError, False),
    },
    "runway": {
        "SAFETY.INPUT.TEXT": (ContentRejected, False),
        "SAFETY.INPUT.IMAGE": (ContentRejected, False),
        "SAFETY.OUTPUT.VIDEO": (ContentRejected, False),
        "INTERNAL.BAD_OUTPUT.CODE01": (GenerationError, True),
        "ASSET.INVALID": (InvalidInput, False),
        "INPUT_PREPROCESSING.INTERNAL": (GenerationError, True),
        "THIRD_PARTY.UNAVAILABLE": (GenerationError, True),
        "INTERNAL": (GenerationError, True),
    },
    "openai": {},
}


def test_no_documented_code_is_left_out():
    assert {fake.name: set(fake.REFUSALS) for fake in FAKES} == {name: set(codes) for name, codes in REFUSALS.items()}
    assert {fake.name: set(fake.FAILURES) for fake in FAKES} == {name: set(codes) for name, codes in FAILURES.items()}


@pytest.mark.parametrize("provider", REFUSALS)
def test_a_refusal_means_one_thing_and_begins_nothing(ask: Ask, provider: str):
    asked = ask(case_of(MODELS[provider]))
    meanings = {}
    for code in REFUSALS[provider]:
        asked.fake.behaviour.refuse = code
        with pytest.raises(GenerationError) as raised:
            asked.submit()
        meanings[code] = type(raised.value)

    assert meanings == REFUSALS[provider]
    assert asked.fake.paid == 0


@pytest.mark.parametrize("provider", [name for name, codes in FAILURES.items() if codes])
def test_a_failure_means_one_thing(ask: Ask, provider: str):
    asked = ask(case_of(MODELS[provider]))
    meanings = {}
    for code in FAILURES[provider]:
        asked.fake.behaviour.fail, asked.fake.behaviour.polls = code, 0
        status = asked.poll(asked.begin())
        assert status.state is RemoteState.FAILED
        assert status.error is not None
        meanings[code] = (type(status.error), status.error.retryable)

    assert meanings == FAILURES[provider]
