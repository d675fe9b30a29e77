"""Stream tickets: good for one stream of one's own, once, for a minute."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from reelwork.domain.account import Scope, digest, parse_key
from testkit.caller import Caller, expect
from testkit.sse import frames
from testkit.stack import Stack

pytestmark = pytest.mark.security

TICKETS = "/v1/stream-tickets"


@pytest.fixture(scope="module")
def job(owner: Caller) -> str:
    """A job that has ended, so that its stream ends too."""
    return str(owner.wait(owner.submit()["id"])["id"])


def ticket_of(caller: Caller) -> str:
    return str(expect(201, caller.http.post(TICKETS))["ticket"])


def test_a_ticket_opens_one_stream_without_a_key(owner: Caller, nobody: Caller, job: str):
    answer = owner.http.post(TICKETS)
    told = expect(201, answer)
    path, query = f"/v1/jobs/{job}/events", {"ticket": told["ticket"]}

    with nobody.http.stream("GET", path, params=query) as response:
        seen = [frame.event for frame in frames(response.iter_lines())]
    again = expect(401, nobody.http.get(path, params=query))

    assert answer.headers["cache-control"] == "no-store"
    ends = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=0) < ends <= timedelta(seconds=61)
    assert seen[0] == "snapshot"
    assert again["code"] == "invalid_api_key"


def test_of_many_who_come_with_one_ticket_one_is_let_in(owner: Caller, nobody: Caller, job: str):
    query, accept = {"ticket": ticket_of(owner)}, {"Accept": "application/json"}

    def come(_: int) -> int:
        return nobody.http.get(f"/v1/jobs/{job}/events", params=query, headers=accept).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(come, range(8)))

    assert sorted(answers) == [200] + [401] * 7


def test_asking_for_the_head_does_not_use_a_ticket_up(owner: Caller, nobody: Caller, job: str):
    path, query = f"/v1/jobs/{job}/events", {"ticket": ticket_of(owner)}

    answers = [nobody.http.request(method, path, params=query).status_code for method in ("HEAD", "HEAD", "GET", "GET")]

    assert answers == [200, 200, 200, 401]


def test_a_ticket_is_of_its_own_account(stranger: Caller, nobody: Caller, job: str):
    refused = nobody.http.get(f"/v1/jobs/{job}/events", params={"ticket": ticket_of(stranger)})

    assert expect(404, refused)["code"] == "job_not_found"


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/keys", "/v1/audit", "/v1/assets"])
def test_a_ticket_opens_nothing_else(owner: Caller, nobody: Caller, path: str):
    refused = nobody.http.get(path, params={"ticket": ticket_of(owner)})
    as_key = nobody.http.get(path, headers={"X-API-Key": ticket_of(owner)})

    assert {refused.status_code, as_key.status_code} <= {400, 401}


def test_a_ticket_that_is_too_old_is_refused(stack: Stack, owner: Caller, nobody: Caller, job: str):
    ticket = ticket_of(owner)
    with stack.documents() as database:
        past = datetime.now(UTC) - timedelta(seconds=1)
        database["stream_tickets"].update_one(
            {"_id": digest(ticket.removeprefix("tkt_"))}, {"$set": {"expires_at": past}}
        )

    assert nobody.http.get(f"/v1/jobs/{job}/events", params={"ticket": ticket}).status_code == 401


@pytest.mark.parametrize("ticket", ["", "x", "tkt_", "tkt_" + "a" * 43, "rw_a_b", "$ne", "tkt_\x00", "é"])
def test_what_is_no_ticket_is_refused(nobody: Caller, job: str, ticket: str):
    assert nobody.http.get(f"/v1/jobs/{job}/events", params={"ticket": ticket}).status_code == 401


def test_a_ticket_beside_a_key_is_refused(owner: Caller, job: str):
    assert owner.http.get(f"/v1/jobs/{job}/events", params={"ticket": ticket_of(owner)}).status_code == 400


def test_a_ticket_of_a_revoked_key_is_worth_nothing(stack: Stack, owner: Caller, nobody: Caller, job: str):
    key = expect(201, owner.http.post("/v1/keys", json={"name": "t", "preset": "observer"}))
    ticket = ticket_of(stack.with_key(key["key"]))

    owner.http.delete(f"/v1/keys/{key['id']}")

    assert nobody.http.get(f"/v1/jobs/{job}/events", params={"ticket": ticket}).status_code == 401


def test_a_ticket_wants_the_scope_read(stack: Stack):
    caller = stack.caller("submitter", scopes=frozenset({Scope.SUBMIT}))

    assert expect(403, caller.http.post(TICKETS))["code"] == "scope_missing"


def test_a_ticket_is_stored_as_a_hash_and_never_logged(stack: Stack, owner: Caller, nobody: Caller, job: str):
    ticket = ticket_of(owner)
    with stack.documents() as database:
        stored = str(list(database["stream_tickets"].find()))
    nobody.http.get(f"/v1/jobs/{job}/events", params={"ticket": ticket}, headers={"Accept": "application/json"})

    credentials = parse_key(owner.key)
    assert credentials is not None
    assert credentials.key_id in stored
    assert ticket.removeprefix("tkt_") not in stored
    assert ticket.removeprefix("tkt_") not in stack.gateway.log.read_text()
