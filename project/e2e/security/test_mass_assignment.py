"""Nobody sets what is not theirs to set, and no answer tells what is nobody's business."""

import json
import re
from collections.abc import Iterator

import pytest

from testkit.caller import Caller, expect
from testkit.documents import openapi
from testkit.possessions import Possessions
from testkit.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.security]

DOCUMENT = openapi()
FOREIGN_FIELDS: dict[str, object] = {
    "account_id": "acct_00000000000000000000000000",
    "tenant": "x",
    "state": "completed",
    "is_terminal": True,
    "attempt": 9,
    "plan_version": 9,
    "cost": 0,
    "bill": {"state": "charged"},
    "digest": "x",
    "lease": {"owner": "x"},
    "__proto__": {"tier": "enterprise"},
    "$set": {"tier": "enterprise"},
}
# What the database has and the API does not: how a key is checked, who holds a job, how a lane stands.
INNER = {"digest", "secret", "salt", "lease", "fence", "slot", "places_taken", "bill", "holder", "uncounted", "counted"}
# Receivers verify deliveries with it: an endpoint's is told when it is made, the account's own where it is asked for.
TOLD = {"NewWebhookView.secret", "SecretView.secret"}
TELLS = {"/v1/webhooks/signing-secret": {"secret"}}
NOT_ASKED = re.compile(r"/events$|/content$|/outputs$|/video/|/account/export$")  # streams, redirects and files


def _bodies() -> list[tuple[str, str]]:
    return [
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
        and not operation.get("deprecated")  # these refuse in shapes of their own: see test_surfaces.py
    ]


@pytest.mark.parametrize(("method", "path"), _bodies())
def test_a_field_that_is_nobodys_to_send_is_refused_and_nothing_is_stored(
    stack: Stack, estate: Possessions, method: str, path: str
) -> None:
    before = stack.stored().jobs

    answer = estate.caller.http.request(
        method, path.format_map(estate.ids), json=FOREIGN_FIELDS, headers={"Idempotency-Key": "mass"}
    )

    problem = expect(422, answer)
    named = {fault["pointer"].removeprefix("#/") for fault in problem["errors"]}
    assert FOREIGN_FIELDS.keys() <= named, problem["errors"]
    assert stack.stored().jobs == before


def _lookings() -> list[str]:
    return [path for path, operations in DOCUMENT["paths"].items() if "get" in operations if not NOT_ASKED.search(path)]


@pytest.mark.parametrize("path", _lookings())
def test_no_answer_tells_how_it_is_kept(estate: Possessions, path: str) -> None:
    answer = expect(200, estate.caller.http.get(path.format_map(estate.ids)))

    assert set(_names(answer)) & INNER == TELLS.get(path, set())
    assert estate.caller.key not in json.dumps(answer)


def test_no_answer_is_documented_to_tell_how_it_is_kept() -> None:
    told = {
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if field in INNER
    }

    assert told == TOLD


def test_an_owner_does_not_learn_where_a_job_ran(stack: Stack, estate: Possessions) -> None:
    """Operators see workers with their hosts; owners see neither."""
    workers = expect(200, estate.caller.http.get("/v1/admin/workers"))["items"]
    owner: Caller = stack.owner
    job = owner.wait(owner.submit()["id"])

    seen = json.dumps([owner.job(job["id"]), owner.events(job["id"])])

    assert workers
    for worker in workers:
        assert worker["id"] not in seen
        assert worker["host"] not in re.split(r"[^\w.-]+", seen)  # a short one may stand inside an id by chance


def _names(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from _names(inner)
        case list():
            for inner in value:
                yield from _names(inner)
        case _:
            pass
