"""Every route that names something, with an id of another account: the answer is that to an id of nothing at all.

The routes are those of the OpenAPI document: a new one is here by itself, and fails until somebody says what its
parameter is (`testkit.possessions`) and, where it takes a body, what a good one is.
"""

import json
import re
from typing import Any

import pytest

from gateway.openapi import document
from testkit.caller import Caller, Json
from testkit.possessions import PUBLIC, Possessions, unknown
from testkit.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.security]

PARAMETER = re.compile(r"\{(\w+)\}")
# What a route takes that does something to one thing.
BODIES: dict[str, Json] = {
    "PATCH /v1/jobs/{job_id}": {"tags": ["mine"]},
}
OWN_MOMENT = {"request_id", "timestamp", "instance"}


def _routes() -> list[tuple[str, str]]:
    paths: dict[str, Any] = json.loads(document())["paths"]
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


def test_and_nothing_of_it_has_changed(estate: Possessions) -> None:
    """After all of the above: what was there is there, and does not tell of anybody else."""
    job = estate.caller.job(estate.ids["job_id"])

    assert job["status"] == "completed"
    assert "mine" not in job["tags"]
    assert estate.caller.content(job["outputs"][0]["asset_id"])


def _answer(caller: Caller, method: str, path: str, ids: dict[str, str], body: Json | None) -> Json:
    """The problem, without what differs anyway: the id that was asked for, the request's own id and moment."""
    named = set(PARAMETER.findall(path))
    assert named <= ids.keys(), f"{path}: testkit.possessions has nothing for {named - ids.keys()}"
    answer = caller.http.request(method, path.format_map(ids), json=body)
    told: Json = {name: value for name, value in answer.json().items() if name not in OWN_MOMENT}
    for value in (ids[name] for name in named):
        told = {name: text.replace(value, "ID") if isinstance(text, str) else text for name, text in told.items()}
    return told
