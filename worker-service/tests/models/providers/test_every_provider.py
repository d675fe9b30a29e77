"""What holds for every model of a provider."""

import io
import logging
import os
from collections.abc import Callable

import httpx2 as httpx
import pytest
from PIL import Image
from pydantic import ValidationError

from reelwork.domain.price import price_of
from reelwork.generator import (
    BadSignature,
    GenerationError,
    ModelCard,
    Pool,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    RemoteState,
    RemoteStatus,
    SubmissionUnknown,
)
from testkit.providers import CASES, POLLED, WEBHOOK, Asked, Case, remote_models

Ask = Callable[..., Asked]

every = pytest.mark.parametrize("case", CASES, ids=str)
every_polled = pytest.mark.parametrize("case", POLLED, ids=str)
every_other = pytest.mark.parametrize(
    "case", [case for case in CASES if case.fake in {"luma", "runway", "openai"}], ids=str
)


@every
def test_the_card_says_what_it_costs_and_where_it_runs(case: Case):
    card = ModelCard.of(case.model)

    assert (card.pool, card.is_ai, card.deterministic) == (Pool.REMOTE, True, False)
    assert not card.pricing.is_free
    assert all("title" in field for field in card.input_schema["properties"].values())  # type: ignore[index,union-attr]
    assert card.examples


@every
def test_what_stands_in_for_it_does_the_same_for_about_the_same_money(case: Case):
    models = {model.id: model for model in remote_models()}
    for name in case.model.fallbacks:
        other = models[name]
        assert (other.task, other.provider != case.model.provider) == (case.model.task, True)
        assert other.parameters.model_validate(case.input)
        prices = [
            price_of(model.pricing, ModelCard.of(model).with_defaults(case.input)) for model in (case.model, other)
        ]
        assert prices[1] <= 1.02 * prices[0]


@every
def test_without_a_key_it_is_absent_and_says_which(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(case.model.credential, raising=False)

    assert case.model.credential in (case.model.available() or "")


@every
def test_parameters_that_are_not_of_the_model_are_refused(case: Case, ask: Ask):
    asked = ask(case)

    with pytest.raises(ValidationError):
        asked.parameters(colour="red")
    with pytest.raises(ValidationError):
        asked.parameters(prompt="x" * 2001)


@every_polled
def test_what_is_asked_for_comes_out_and_is_paid_once(case: Case, ask: Ask):
    asked = ask(case)

    handle = asked.begin()
    first = asked.poll(handle)
    status = asked.polled(handle)

    assert (first.state, first.poll_after is not None) == (RemoteState.RUNNING, True)
    assert status.state is RemoteState.SUCCEEDED
    for output in status.outputs:
        fetched = httpx.get(output.url or "")
        assert fetched.headers["content-type"].split(";")[0] in case.model.produces
        assert output.media_type in {None, *case.model.produces}
    assert asked.fake.paid == 1


@every_polled
def test_a_task_that_is_over_is_told_again(case: Case, ask: Ask):
    asked = ask(case)
    handle = asked.begin()

    ends = [asked.polled(handle), asked.poll(handle)]

    assert [len(end.outputs) for end in ends] == [len(ends[0].outputs)] * 2


@every_polled
def test_a_task_can_wait(case: Case, ask: Ask):
    asked = ask(case)
    asked.fake.behaviour.hold = True

    assert asked.poll(asked.begin()).state is RemoteState.QUEUED


@every_polled
def test_another_process_can_go_on_with_the_handle(case: Case, ask: Ask):
    handle = ask(case).begin()

    assert ask(case).polled(handle).state is RemoteState.SUCCEEDED


@every_polled
def test_a_task_that_failed_says_why(case: Case, ask: Ask):
    asked = ask(case)
    asked.fake.behaviour.fail = case.bad_code

    status = asked.polled(asked.begin())

    assert status.state is RemoteState.FAILED
    assert isinstance(status.error, GenerationError)


@every
def test_a_wrong_key_is_named_but_not_shown(case: Case, ask: Ask, monkeypatch: pytest.MonkeyPatch):
    asked = ask(case)
    monkeypatch.setenv(case.model.credential, "a-wrong-and-secret-key")

    error = asked.refusal()

    assert type(error) is ProviderRefused
    assert case.model.credential in error.message
    assert "secret" not in error.message


@every
def test_the_wait_that_a_provider_asks_for_is_known(case: Case, ask: Ask):
    asked = ask(case)
    asked.fake.behaviour.throttle, asked.fake.behaviour.retry_after = 1, 42

    error = asked.refusal()

    assert (type(error), error.retry_after) == (RateLimited, 42.0)
    assert asked.fake.paid == 0


@every
def test_a_provider_that_is_down_is_asked_another_time(case: Case, ask: Ask):
    asked = ask(case)
    asked.fake.behaviour.down = True

    error = asked.refusal()

    assert (type(error), error.retryable, asked.fake.paid) == (ProviderUnavailable, True, 0)
    assert "<html>" not in error.message


@every_polled
def test_a_provider_that_goes_down_does_not_end_the_task(case: Case, ask: Ask):
    asked = ask(case)
    handle = asked.begin()
    asked.fake.behaviour.down = True
    with pytest.raises(ProviderUnavailable):
        asked.poll(handle)

    asked.fake.behaviour.down = False

    assert asked.polled(handle).state is RemoteState.SUCCEEDED


@every
def test_an_answer_that_is_lost_leaves_open_whether_it_was_paid(case: Case, ask: Ask):
    asked = ask(case)
    asked.fake.behaviour.die_after_accept = 1

    error = asked.refusal()

    assert (type(error), error.retryable, asked.fake.paid) == (SubmissionUnknown, False, 1)


@every
def test_what_may_have_been_paid_is_not_paid_again(case: Case, ask: Ask):
    asked = ask(case)
    asked.fake.behaviour.die_after_accept = 1
    asked.refusal()

    if case.fake == "heygen":  # which knows what it took by the id that was given with it
        handle = asked.model.recover(asked.parameters(), asked.context)
        assert isinstance(handle, str)
        assert asked.polled(handle).state is RemoteState.SUCCEEDED
    else:
        with pytest.raises(SubmissionUnknown):
            asked.model.recover(asked.parameters(), asked.context)

    assert asked.fake.paid == 1


@every_polled
def test_a_task_can_be_cancelled_and_that_twice(case: Case, ask: Ask):
    asked = ask(case)
    handle = asked.begin()
    work = asked.fake.works[handle]

    asked.model.cancel(handle, asked.context)
    asked.model.cancel(handle, asked.context)

    if case.fake != "luma":  # where nothing can be cancelled
        assert work.state == "cancelled"


@every_polled
def test_cancelling_what_has_ended_is_fine(case: Case, ask: Ask):
    asked = ask(case)
    handle = asked.begin()
    asked.polled(handle)

    asked.model.cancel(handle, asked.context)


@every_polled
def test_an_answer_that_nobody_agreed_on_ends_nothing(case: Case, ask: Ask, monkeypatch: pytest.MonkeyPatch):
    asked = ask(case)
    handle = asked.begin()
    # This answers too, in JSON, but something else; the path of the question becomes a parameter there.
    monkeypatch.setenv(case.model.address_setting(), f"{asked.fakes.url}/control/{case.fake}?path=")
    with pytest.raises(ProviderUnavailable):
        asked.poll(handle)


@every_other
def test_a_provider_without_webhooks_has_none_to_believe(case: Case, ask: Ask):
    with pytest.raises(BadSignature):
        ask(case, webhook_url=WEBHOOK).model.parse_webhook({"x": "y"}, b"{}")


@every
def test_the_key_is_in_no_error_and_no_log(
    case: Case, ask: Ask, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    asked = ask(case)
    told = []
    for code in asked.fake.REFUSALS:
        asked.fake.behaviour.refuse = code
        error = asked.refusal()
        told += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    asked.fake.behaviour.refuse = None
    told.append(repr(asked.submit()))
    printed = capsys.readouterr()

    key = os.environ[case.model.credential]
    everything = " ".join([*told, caplog.text, printed.out, printed.err, repr(vars(asked.model))])
    assert key not in everything
    assert key[-12:] not in everything


def test_an_answer_with_the_result_is_files_at_once(ask: Ask):
    (case,) = [case for case in CASES if not case.bad_code]
    asked = ask(case)

    status = asked.submit(images=2)

    assert isinstance(status, RemoteStatus)
    for output in status.outputs:
        assert output.path is not None
        assert Image.open(io.BytesIO(output.path.read_bytes())).format == "PNG"
    assert (status.state, len(status.outputs), asked.fake.paid) == (RemoteState.SUCCEEDED, 2, 1)
