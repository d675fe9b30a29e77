"""Keys that are guessed: after too many wrong ones from an address, nothing of it is looked at for a while."""

from collections.abc import Iterator

import httpx2 as httpx
import pytest

from testkit.caller import expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

FAILURES = 4  # of an address, in a minute


@pytest.fixture(scope="module")
def guarded(mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), failed_logins_per_minute=FAILURES) as stack:
        yield stack


def from_address(stack: Stack, address: str, **headers: str) -> httpx.Client:
    """A client on another address of this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(
        base_url=stack.base_url, transport=transport, headers=headers, event_hooks={"response": [stack.witness]}
    )


def test_after_too_many_wrong_keys_an_address_is_sent_away_and_no_other(guarded: Stack):
    good = guarded.owner.key
    wrong = f"{good[:-4]}{'0000' if not good.endswith('0000') else '1111'}"

    with from_address(guarded, "127.0.0.9") as client:
        guesses = [client.get("/v1/jobs", headers={"X-API-Key": wrong}) for _ in range(FAILURES + 1)]
        lucky = client.get("/v1/jobs", headers={"X-API-Key": good})
        spoofed = client.get("/v1/jobs", headers={"X-API-Key": good, "X-Forwarded-For": "192.0.2.1"})

    assert [answer.status_code for answer in guesses] == [401] * FAILURES + [429]
    problem = expect(429, lucky)
    assert (problem["code"], problem["limit"]) == ("rate_limited", FAILURES)
    assert lucky.headers["retry-after"] == str(problem["retry_after"])
    assert spoofed.status_code == 429
    assert guarded.owner.http.get("/v1/jobs").status_code == 200
    assert "logins.refused" in guarded.gateway.log.read_text()


def test_requests_without_a_key_are_no_guesses(guarded: Stack):
    with from_address(guarded, "127.0.0.10") as client:
        answers = {client.get("/v1/jobs").status_code for _ in range(FAILURES * 3)}

    assert answers == {401}
