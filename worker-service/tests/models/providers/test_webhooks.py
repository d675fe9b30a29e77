"""Webhooks: only what a provider signed, and only soon after it did."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from queue import Queue

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reelwork.generator import BadSignature, RemoteState
from reelwork.testing.providers.fal import FakeFal
from reelwork.testing.providers.replicate import FakeReplicate
from testkit.answering import Answer, Posted, answering
from testkit.providers import Asked, case_of
from worker.models.providers.webhooks import Remembered, read_key_set

Ask = Callable[..., Asked]
Arrived = tuple[dict[str, str], bytes]

REPLICATE, FAL = case_of("replicate/black-forest-labs/flux-schnell"), case_of("fal/flux-schnell")
HEYGEN = case_of("heygen/video-translation")
OTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's secret....").decode()
signed_ones = pytest.mark.parametrize("case", [REPLICATE, FAL], ids=str)
KEYS_ASKED = {"replicate": "GET /v1/webhooks/default/secret", "fal": "GET /.well-known/jwks.json"}


@pytest.fixture(autouse=True)
def _key_set(fakes, monkeypatch):
    monkeypatch.setenv("FAL_JWKS_URL", f"{fakes.fal.url}/.well-known/jwks.json")
    monkeypatch.delenv("REPLICATE_WEBHOOK_SECRET", raising=False)


def signed(asked: Asked, body: bytes, *, at: float | None = None, by_stranger: bool = False) -> dict[str, str]:
    """The headers of a webhook, as they arrive."""
    moment = time.time() if at is None else at
    match asked.fake:
        case FakeReplicate() as fake:
            headers = fake.sign(body, at=moment, secret=OTHER_SECRET if by_stranger else None)
        case FakeFal() as fake:
            headers = fake.sign("r1", body, at=moment, key=Ed25519PrivateKey.generate() if by_stranger else None)
        case _:
            headers = {}
    return {name.lower(): value for name, value in headers.items()}


def ended(asked: Asked) -> tuple[str, dict[str, str], bytes]:
    """A task that ended, and the webhook that tells so."""
    handle = asked.begin()
    asked.polled(handle)
    _, body = asked.fake.webhook(asked.fake.works[handle])
    return handle, signed(asked, body), body


@signed_ones
def test_a_webhook_tells_of_its_task(ask: Ask, case):
    asked = ask(case)
    handle, headers, body = ended(asked)

    told, status = asked.model.parse_webhook(headers, body)

    assert (told, status.state, len(status.outputs)) == (handle, RemoteState.SUCCEEDED, 1)


@signed_ones
def test_a_webhook_tells_of_a_failure(ask: Ask, case):
    asked = ask(case)
    asked.fake.behaviour.fail = case.bad_code
    _, headers, body = ended(asked)

    assert asked.model.parse_webhook(headers, body)[1].state is RemoteState.FAILED


@signed_ones
def test_what_was_changed_on_the_way_is_not_believed(ask: Ask, case):
    asked = ask(case)
    _, headers, body = ended(asked)

    with pytest.raises(BadSignature, match="not signed"):
        asked.model.parse_webhook(headers, body.replace(b"fox", b"dog"))


@signed_ones
@pytest.mark.parametrize("seconds", [-400, 400])
def test_what_is_old_or_from_the_future_is_not_believed(ask: Ask, case, seconds: int):
    asked = ask(case)
    _, _, body = ended(asked)

    with pytest.raises(BadSignature, match="too old, or from the future"):
        asked.model.parse_webhook(signed(asked, body, at=time.time() + seconds), body)


@signed_ones
def test_a_stranger_is_not_believed_and_does_not_make_us_ask_again(ask: Ask, case):
    asked = ask(case)
    _, _, body = ended(asked)
    for _ in range(5):
        with pytest.raises(BadSignature, match="not signed"):
            asked.model.parse_webhook(signed(asked, body, by_stranger=True), body)

    assert asked.fake.requests[KEYS_ASKED[case.fake]] == 1


@signed_ones
@pytest.mark.parametrize("spoilt", ["", "v1,", "v1,%%%", "nothing", "zz", "0" * 128, "v1,AAAA v1,BBBB"])
def test_what_no_signature_looks_like_is_none(ask: Ask, case, spoilt: str):
    asked = ask(case)
    _, headers, body = ended(asked)
    name = "webhook-signature" if case is REPLICATE else "x-fal-webhook-signature"

    with pytest.raises(BadSignature):
        asked.model.parse_webhook({**headers, name: spoilt}, body)


@signed_ones
def test_every_header_is_needed(ask: Ask, case):
    asked = ask(case)
    _, headers, body = ended(asked)

    for name in headers:
        with pytest.raises(BadSignature, match=name):
            asked.model.parse_webhook({other: value for other, value in headers.items() if other != name}, body)


@signed_ones
@pytest.mark.parametrize(
    "said", [b"", b"no json", b"[]", b"{}", b'{"id": 7}', b'{"id": "../x", "status": "succeeded"}']
)
def test_what_is_signed_but_tells_of_no_task_is_not_believed(ask: Ask, case, said: bytes):
    asked = ask(case)

    with pytest.raises(BadSignature):
        asked.model.parse_webhook(signed(asked, said), said)


@signed_ones
def test_without_the_providers_key_nothing_is_believed(ask: Ask, case):
    asked = ask(case)
    _, headers, body = ended(asked)
    asked.fake.behaviour.down = True

    with pytest.raises(BadSignature, match="cannot be checked"):
        asked.model.parse_webhook(headers, body)


def test_replicates_secret_may_be_a_setting(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    asked = ask(REPLICATE)
    handle, headers, body = ended(asked)
    monkeypatch.setenv("REPLICATE_WEBHOOK_SECRET", FakeReplicate.webhook_secret)

    assert asked.model.parse_webhook(headers, body)[0] == handle
    assert asked.fake.requests[KEYS_ASKED["replicate"]] == 0


def test_heygens_webhooks_say_no_more_than_that_it_is_time_to_ask(ask: Ask):
    asked = ask(HEYGEN)
    handle, _, body = ended(asked)

    told, status = asked.model.parse_webhook({}, body)

    assert (told, status.state, status.outputs, status.poll_after) == (handle, RemoteState.RUNNING, (), 0.0)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b'{"event_type": "video.success", "event_data": {"video_translate_id": "a"}}',
        b'{"event_type": "video_translate.success", "event_data": {}}',
        b'{"event_type": "video_translate.success", "event_data": {"video_translate_id": "../a"}}',
    ],
)
def test_what_heygen_would_not_say_is_not_believed(ask: Ask, said: bytes):
    with pytest.raises(BadSignature):
        ask(HEYGEN).model.parse_webhook({}, said)


@pytest.fixture
def mailbox() -> Iterator[tuple[str, "Queue[Arrived]"]]:
    """An address that keeps what is posted to it."""
    arrived: Queue[Arrived] = Queue()

    def answer(posted: Posted) -> Answer:
        arrived.put((posted.headers, posted.body))
        return Answer(204)

    with answering(answer) as port:
        yield f"http://127.0.0.1:{port}/hook", arrived


@pytest.mark.parametrize("case", [REPLICATE, FAL, HEYGEN], ids=str)
def test_a_provider_that_was_given_an_address_sends_its_webhook_there(ask: Ask, case, mailbox):
    address, arrived = mailbox
    asked = ask(case, webhook_url=address)
    handle = asked.begin()

    asked.fake.finish(handle)
    headers, body = arrived.get(timeout=20)

    assert asked.model.parse_webhook(headers, body)[0] == handle


def test_without_an_address_no_webhook_is_asked_for(ask: Ask):
    for case in (REPLICATE, FAL, HEYGEN):
        asked = ask(case)
        assert asked.fake.works[asked.begin()].webhook_url is None


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_fetched_once_and_anew_when_it_seems_wrong_but_seldom():
    clock, fetched = _Clock(), []
    known = Remembered(lambda: fetched.append(clock.now) or len(fetched), clock=clock)  # type: ignore[func-returns-value]

    assert known.accepts(lambda value: value == 1)
    assert not known.accepts(lambda value: value == 2)
    clock.now = 61
    assert known.accepts(lambda value: value == 2)
    assert not known.accepts(lambda value: value == 3)
    clock.now = 61 + 3601
    assert known.accepts(lambda value: value == 3)

    assert fetched == [0.0, 61, 61 + 3601]


def test_a_key_set_may_hold_keys_of_other_kinds():
    ours = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()}

    assert len(read_key_set({"keys": [ours, {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}]})) == 1
    for wrong in ({}, {"keys": 3}, {"keys": [{"crv": "Ed25519", "x": "short"}]}):
        with pytest.raises(ValueError):  # noqa: PT011  (many kinds, and none of them says more)
            read_key_set(json.loads(json.dumps(wrong)))
