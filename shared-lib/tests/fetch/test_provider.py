"""Asking a provider: what its answers mean, and what is never done."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from reelwork.fetch.provider import LONGEST_WAIT_SECONDS, ProviderApi, Reply, retry_after
from reelwork.generator import (
    ContentRejected,
    GenerationError,
    InsufficientCredit,
    InvalidInput,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    SubmissionUnknown,
)
from run.servers.ports import free_port

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class Answers:
    """A server that gives the same answer to whatever it is asked, and keeps what it was asked."""

    address: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    cut: int = 0
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def answers() -> Iterator[Answers]:
    given = Answers()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            said = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            given.asked.append((self.command, self.path, headers, said))
            self.send_response(given.status)
            for name, value in {"Content-Length": str(len(given.body)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.body[: len(given.body) - given.cut])

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  (the library's names)

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        given.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield given
        server.shutdown()
        thread.join()


@pytest.fixture
def api(answers: Answers) -> ProviderApi:
    return ProviderApi(name="Acme", address=answers.address, headers={"Authorization": "Bearer secret"}, seconds=5)


def test_an_answer_is_its_json_and_the_key_went_along(answers: Answers, api: ProviderApi):
    answers.body = b'{"id": "p1"}'

    assert api.begin("/v1/tasks", {"prompt": "a fox"}, headers={"Idempotency-Key": "k"}) == {"id": "p1"}

    method, path, headers, said = answers.asked[0]
    assert (method, path, said) == ("POST", "/v1/tasks", b'{"prompt":"a fox"}')
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer secret", "k")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, InvalidInput),
        (401, ProviderRefused),
        (402, InsufficientCredit),
        (404, ProviderRefused),
        (422, InvalidInput),
        (429, RateLimited),
        (451, ContentRejected),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
        (529, ProviderUnavailable),
        (302, ProviderUnavailable),
    ],
)
def test_each_status_has_one_meaning(answers: Answers, api: ProviderApi, status: int, meaning: type[GenerationError]):
    answers.status, answers.body = status, b'{"error": {"message": "so it is"}}'

    with pytest.raises(meaning, match="so it is") as raised:
        api.begin("/v1/tasks")

    assert type(raised.value) is meaning


@pytest.mark.parametrize("status", [408, 502, 504])
def test_a_submission_that_may_have_arrived_is_not_called_unavailable(answers: Answers, api: ProviderApi, status: int):
    answers.status = status

    with pytest.raises(SubmissionUnknown) as raised:
        api.begin("/v1/tasks")
    with pytest.raises(ProviderUnavailable):
        api.get("/v1/tasks/p1")

    assert not raised.value.retryable


@pytest.mark.parametrize("spoilt", [{"cut": 2}, {"body": b"<html>welcome</html>"}, {"body": b'{"id": NaN}'}])
def test_an_unreadable_answer_leaves_a_submission_unknown(
    answers: Answers, api: ProviderApi, spoilt: dict[str, object]
):
    for name, value in spoilt.items():
        setattr(answers, name, value)

    with pytest.raises(SubmissionUnknown):
        api.begin("/v1/tasks")
    with pytest.raises(ProviderUnavailable):
        api.get("/v1/tasks")


def test_what_cannot_be_connected_to_has_certainly_begun_nothing():
    api = ProviderApi(name="Acme", address=f"http://127.0.0.1:{free_port()}", seconds=5)

    with pytest.raises(ProviderUnavailable, match="Acme cannot be reached"):
        api.begin("/v1/tasks")


def test_an_answer_is_read_up_to_a_limit(answers: Answers):
    answers.body = b'"' + b"x" * 5000 + b'"'

    with pytest.raises(ProviderUnavailable, match="longer than 4,096 bytes"):
        ProviderApi(name="Acme", address=answers.address, limit_bytes=4096).get("/")


def test_a_redirect_is_not_followed_and_a_foreign_address_not_asked(answers: Answers, api: ProviderApi):
    answers.status, answers.headers = 302, {"Location": f"{answers.address}/elsewhere"}

    with pytest.raises(ProviderUnavailable):
        api.get("/v1/tasks")
    with pytest.raises(ProviderUnavailable, match="another address"):
        api.get("https://queue.example/requests/1")

    assert [path for _, path, _, _ in answers.asked] == ["/v1/tasks"]


def test_an_adapter_may_know_better_what_a_refusal_means(answers: Answers):
    def explain(reply: Reply) -> GenerationError | None:
        moderated = reply.json().get("code") == "moderation_blocked"
        return ContentRejected("The provider's policy refuses this.") if moderated else None

    api = ProviderApi(name="Acme", address=answers.address, explain=explain)
    answers.status, answers.body = 400, b'{"code": "moderation_blocked"}'

    with pytest.raises(ContentRejected):
        api.begin("/")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-3", 0.0),
        ("1e9", 0.0),
        ("99999999999999", LONGEST_WAIT_SECONDS),
        (format_datetime(NOW.replace(minute=1), usegmt=True), 60.0),
        (format_datetime(NOW.replace(hour=3), usegmt=True), 0.0),
    ],
)
def test_a_wish_to_wait_is_understood_within_bounds(said: str, seconds: float):
    assert retry_after({"retry-after": said}, now=NOW) == seconds


def test_the_key_is_in_no_representation(api: ProviderApi):
    assert "secret" not in repr(api)
