"""Every route that names something, with an id of another account: the answer is that to an id of nothing at all.

The routes are those of the OpenAPI document: a new one is here by itself, and fails until somebody says what its
parameter is (`testkit.possessions`) and, where it takes a body, what a good one is.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from testkit.caller import Caller, Json, expect
from testkit.documents import openapi
from testkit.possessions import PUBLIC, Possessions, unknown
from testkit.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.security]

PARAMETER = re.compile(r"\{(\w+)\}")
# What a route takes that does something to one thing.
BODIES: dict[str, Json] = {
    "PATCH /v1/jobs/{job_id}": {"tags": ["mine"]},
    "POST /v1/series/{series_id}/points": {"values": [1.0]},
    "PATCH /v1/assets/{asset_id}": {"retention_seconds": 60},
    "PATCH /v1/keys/{key_id}": {"name": "mine"},
    "POST /v1/keys/{key_id}/rotate": {"overlap_seconds": 0},
    "POST /v1/uploads/{upload_id}/parts": {"parts": [1]},
    "POST /v1/uploads/{upload_id}/complete": {},
    "PATCH /v1/webhooks/{webhook_id}": {"description": "mine"},
    "POST /v1/webhooks/{webhook_id}/recover": {"since": "2026-01-01T00:00:00Z"},
    "PATCH /v1/admin/accounts/{account_id}": {"tier": "enterprise"},
    "POST /v1/admin/accounts/{account_id}/grants": {"amount": "1.00", "note": "mine"},
    "POST /v1/admin/accounts/{account_id}/refunds": {"job_id": "job_x", "amount": "1.00", "note": "mine"},
    "PATCH /v1/admin/queues/{pool}": {"held": True},
}
OWN_MOMENT = {"request_id", "timestamp", "instance"}


def _routes() -> list[tuple[str, str]]:
    paths: dict[str, Any] = openapi()["paths"]
    named = [(method.upper(), path) for path, methods in paths.items() for method in methods if PARAMETER.search(path)]
    return [(method, path) for method, path in named if not set(PARAMETER.findall(path)) <= PUBLIC]


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Caller:
    return stack.caller("stranger")


@pytest.mark.parametrize(("method", "path"), _routes())
def test_a_foreign_id_is_answered_like_an_unknown_one(
    method: str, path: str, estate: Possessions, stranger: Caller
) -> None:
    body = BODIES.get(f"{method} {path}")

    foreign = _answer(stranger, method, path, estate.ids, body)
    absent = _answer(stranger, method, path, {name: unknown(value) for name, value in estate.ids.items()}, body)

    assert foreign == absent
    assert foreign["status"] in {403, 404}, foreign
    assert (foreign["status"] == 403) == path.startswith("/v1/admin/")


BULK = ("cancel", "retry", "erase")
# Ids that do not stand in the path; `{asset_id}` and so on are put in.
ELSEWHERE: list[tuple[str, str, Json | None]] = [
    ("POST", "/v1/jobs", {"model": "builtin/camera-move", "input": {"image": "{asset_id}"}}),
    ("POST", "/v1/jobs/estimate", {"model": "builtin/camera-move", "input": {"image": "{asset_id}"}}),
    ("POST", "/v1/batches", {"items": [{"model": "builtin/camera-move", "input": {"image": "{asset_id}"}}]}),
    ("POST", "/v1/jobs", {"model": "builtin/kalman", "input": {"series": "{series_id}"}}),
    ("GET", "/v1/series?cursor={series_id}", None),
    ("PATCH", "/v1/jobs/{own_id}", {"position": {"before": "{waiting_id}"}}),
    *[("POST", "/v1/jobs/bulk", {"action": action, "ids": ["{waiting_id}"]}) for action in BULK],
    ("GET", "/v1/jobs?batch_id={batch_id}", None),
    ("GET", "/v1/jobs?cursor={job_id}", None),
    ("GET", "/v1/assets?cursor={asset_id}", None),
    ("POST", "/v1/assets/from-hash", {"sha256": "{sha256}"}),
    ("GET", "/v1/account/ledger?job={job_id}", None),
    ("GET", "/v1/webhooks/deliveries?job_id={job_id}", None),
    ("GET", "/v1/webhooks/deliveries?cursor={delivery_id}", None),
    ("GET", "/v1/jobs?ids={job_id}", None),
    ("GET", "/v1/batches?cursor={batch_id}", None),
    ("POST", "/v1/jobs/bulk", {"action": "erase", "filter": {"batch_id": "{batch_id}"}}),
]


@pytest.mark.parametrize(("method", "path", "body"), ELSEWHERE, ids=lambda value: str(value)[:60])
def test_a_foreign_id_in_a_body_or_a_parameter_is_like_an_unknown_one(
    method: str, path: str, body: Json | None, estate: Possessions, stranger: Caller
) -> None:
    later = {"not_before": (datetime.now(UTC) + timedelta(days=9)).isoformat()}
    foreign = estate.ids | {"waiting_id": estate.caller.submit(job=later)["id"]}
    own = stranger.submit(job=later)["id"]

    answers = [
        _told(stranger, method, path, body, ids | {"own_id": own})
        for ids in (foreign, {name: unknown(value) for name, value in foreign.items()})
    ]

    assert answers[0] == answers[1]
    assert estate.caller.job(foreign["waiting_id"])["status"] == "queued"


def test_and_nothing_of_it_has_changed(estate: Possessions) -> None:
    """After all of the above: what was there is there, and does not tell of anybody else."""
    job = estate.caller.job(estate.ids["job_id"])

    assert job["status"] == "completed"
    assert "mine" not in job["tags"]
    assert estate.caller.content(job["outputs"][0]["asset_id"])
    key = expect(200, estate.caller.http.get(f"/v1/keys/{estate.ids['key_id']}"))
    assert (key["name"], key["state"]) == ("spare", "active")
    account = expect(200, estate.caller.http.get(f"/v1/admin/accounts/{estate.ids['account_id']}"))
    assert (account["tier"], account["suspended"]) == ("free", False)


def _answer(caller: Caller, method: str, path: str, ids: dict[str, str], body: Json | None) -> Json:
    """The problem, of which every id was in the path."""
    named = set(PARAMETER.findall(path))
    assert named <= ids.keys(), f"{path}: testkit.possessions has nothing for {named - ids.keys()}"
    return _told(caller, method, path, body, ids)


def _told(caller: Caller, method: str, path: str, body: Json | None, ids: dict[str, str]) -> Json:
    """The answer, without what differs anyway: the ids that were asked for, the request's own id and moment."""
    sent = PARAMETER.sub(lambda found: ids[found[1]], json.dumps(body))
    answer = caller.http.request(method, path.format_map(ids), json=json.loads(sent))
    text = json.dumps(_timeless(answer.json()))
    for name in ids.keys() - PUBLIC:
        text = text.replace(ids[name], "ID")
    told: Json = json.loads(text)
    return told | {"status": answer.status_code}


def _timeless(value: Any) -> Any:  # whatever JSON says
    """Without what is the request's own, wherever it stands: replaced systems have it deeper."""
    if isinstance(value, dict):
        return {name: _timeless(inner) for name, inner in value.items() if name not in OWN_MOMENT}
    return [_timeless(inner) for inner in value] if isinstance(value, list) else value
