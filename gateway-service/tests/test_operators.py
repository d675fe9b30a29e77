"""What MongoDB would take for an operator or a path is refused or stays text, in every field of every body."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from testkit.caller import Caller, expect
from testkit.stack import Stack

pytestmark = pytest.mark.security

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
OPERATORS: list[Any] = [
    {"$gt": ""},
    {"$ne": None},
    {"$where": "sleep(1000)"},
    {"$expr": {"$function": {"body": "function() { return true }", "args": [], "lang": "js"}}},
    {"a.b": 1},
    {"$set": {"tier": "enterprise"}},
    [{"$gt": ""}],
]


def _bodies() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Each field of each JSON body: method, path, field, and the body's schema."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            schema = _resolved(content["schema"]) if content else {}
            for field in schema.get("properties", {}):
                yield method.upper(), path, field, schema


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if "$ref" in one)
    if "$ref" in schema:
        return DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


FIELDS = list(_bodies())


@pytest.fixture(scope="module")
def waiting(almighty: Caller) -> str:
    """A job that has not begun, so that there is something to edit."""
    return str(almighty.submit(job={"not_before": (datetime.now(UTC) + timedelta(days=9)).isoformat()})["id"])


@pytest.mark.parametrize("place", FIELDS, ids=[" ".join(one[:3]) for one in FIELDS])
def test_an_operator_in_a_field_is_refused(
    almighty: Caller, stack: Stack, waiting: str, place: tuple[str, str, str, dict[str, Any]]
):
    method, path, field, schema = place
    before = stack.stored().jobs
    for value in OPERATORS:
        body = dict.fromkeys(schema.get("required", []), "x") | {"model": "testkit/noop"} | {field: value}
        body = {name: value for name, value in body.items() if name in schema["properties"]}

        answer = almighty.http.request(method, re.sub(r"{\w+}", waiting, path), json=body)

        assert answer.status_code in {400, 404, 409, 422}, f"{value}: {answer.text[:300]}"
    assert stack.stored().jobs == before


@pytest.mark.parametrize("name", ["$where", "a.b", "$set", "a\x00b", "__proto__.x", "", "$" * 40])
def test_an_operator_as_a_name_is_refused(owner: Caller, stack: Stack, name: str):
    before = stack.stored().jobs

    for body in (
        {"model": "testkit/noop", name: 1},
        {"model": "testkit/noop", "metadata": {name: "x"}},
        {"model": "testkit/noop", "input": {name: 1}},
    ):
        expect(422, owner.http.post("/v1/jobs", json=body))
    assert stack.stored().jobs == before


@pytest.mark.parametrize("text", ["$where", "$$ROOT", '{"$gt": ""}', "a.b", "'; return true; //", "(a+)+$", ".*"])
def test_text_that_looks_like_an_operator_is_kept_and_found_as_text(owner: Caller, text: str):
    job = owner.submit(job={"tags": [text], "metadata": {"a": text}})["id"]

    assert owner.job(job)["tags"] == [text]
    found = expect(200, owner.http.get("/v1/jobs", params={"tag": text, "metadata[a]": text, "limit": 100}))["items"]
    assert job in {one["id"] for one in found}
    assert {one["tags"][0] for one in found} == {text}
