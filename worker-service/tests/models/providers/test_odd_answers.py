"""Answers that are not as agreed: nothing is concluded from them, and no address is made of them."""

from collections.abc import Callable
from typing import Any

import pytest

from reelwork.generator import RemoteState, SubmissionUnknown
from reelwork.testing.providers import heygen, luma, replicate, runway
from testkit.providers import Asked, Case, case_of

Ask = Callable[..., Asked]

# Where each fake keeps the provider's words for states.
WORDS: list[tuple[Case, dict[Any, str]]] = [
    (case_of("replicate/black-forest-labs/flux-schnell"), replicate._STATUS),
    (case_of("luma/uni-1"), luma._STATES),
    (case_of("heygen/video-translation"), heygen._STATUS),
    (case_of("runway/gen4-turbo"), runway._STATUS),
]


@pytest.mark.parametrize(("case", "words"), WORDS, ids=[str(case) for case, _ in WORDS])
def test_a_state_that_is_new_to_us_is_not_an_end(ask: Ask, case: Case, words, monkeypatch: pytest.MonkeyPatch):
    asked = ask(case)
    monkeypatch.setitem(words, "queued", "contemplating")
    asked.fake.behaviour.hold = True
    handle = asked.begin()
    if case.fake == "runway":  # whose fake has an answer of its own for each word
        monkeypatch.setattr(asked.fake, "_task", lambda work: {"id": work.id, "status": "CONTEMPLATING"})

    assert asked.poll(handle).state is RemoteState.RUNNING


@pytest.mark.parametrize("handle", [None, "", 7, "../admin", "a/b", "a?b", "-a", "a" * 129, "ä", ["a"]])
def test_a_handle_that_could_not_be_an_address_is_none(ask: Ask, handle: object):
    model: Any = ask(case_of("luma/uni-1")).model

    with pytest.raises(SubmissionUnknown):
        model.begun(handle)


@pytest.mark.parametrize("answer", [None, [], {}, {"data": {}}, {"data": {"video_translation_ids": []}}, "id"])
def test_a_provider_that_does_not_say_what_it_calls_the_job_may_have_taken_it(
    ask: Ask, answer: object, monkeypatch: pytest.MonkeyPatch
):
    for name in ("luma/uni-1", "fal/flux-schnell", "runway/gen4-turbo", "heygen/video-translation"):
        asked = ask(case_of(name))
        monkeypatch.setattr(type(asked.model), "api", lambda _model, **_options: _Answers(answer))
        with pytest.raises(SubmissionUnknown):
            asked.submit()
        monkeypatch.undo()


class _Answers:
    """A provider that answers every submission with one thing, and takes every upload."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def begin(self, *_args: object, **_options: object) -> object:
        return self._answer

    def ask(self, *_args: object, **_options: object) -> object:
        return {"data": {"asset_id": "a"}}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("input.num_outputs", "images"),
        (["body", "num_outputs"], "images"),
        (["images", 0], "images"),
        ("prompt", "prompt"),
        ("temperature", None),
        ("", None),
        (None, None),
        ([], None),
        ([0], None),
    ],
)
def test_a_field_that_is_blamed_is_our_parameter_or_nobodys(ask: Ask, theirs: object, ours: str | None):
    model: Any = ask(case_of("replicate/black-forest-labs/flux-schnell")).model

    assert model.field_of(theirs) == ours
