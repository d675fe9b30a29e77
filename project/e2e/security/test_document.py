"""Whatever the OpenAPI document allows or forbids to be sent: the answer is one that it documents, and never a 5xx.

`make -C project security` sends far more than CI does: REELWORK_SECURITY_EXAMPLES random requests to each operation,
beside the document's own examples and the bounds of every field.

An administrator asks everything but what is in `RUINOUS`: after it the stack would be no use to the other tests.
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from testkit.documents import openapi
from testkit.possessions import Possessions
from testkit.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.security]

FEW = 3
EXAMPLES = int(os.environ.get("REELWORK_SECURITY_EXAMPLES", FEW))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi())
# Who has no key gets the same answer to everything, so a few random requests say as much as the bounds of every field.
BRIEFLY = SchemathesisConfig()
BRIEFLY.projects.default.phases.coverage.enabled = EXAMPLES > FEW
IN_BRIEF = schemathesis.openapi.from_dict(openapi(), config=BRIEFLY)
# It has one worker, which takes no job any more after this; test_admin_workers.py asks it properly.
RUINOUS = "/v1/admin/workers/{worker_id}/drain"
OF_SOMETHING = SCHEMA.include(path_regex=r"\{|^/v1/(admin|audit|keys|webhooks)").exclude(path=RUINOUS)
# It may be asked to wait for a moment only, and then tells that nobody answered in it: 504, as documented.
PROBE = "/v1/admin/probe"
LOOKING_AND_CHANGING = OF_SOMETHING.exclude(method="DELETE")
REMOVING = OF_SOMETHING.include(method="DELETE")
quickly = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@SCHEMA.parametrize()
@quickly
def test_with_a_key_every_answer_is_as_documented(case: Any, stack: Stack) -> None:  # Any: the library's own case
    _check(case, stack, {"Authorization": f"Bearer {stack.owner.key}"})


@LOOKING_AND_CHANGING.parametrize()
@quickly
def test_of_what_is_there_every_answer_is_as_documented(case: Any, stack: Stack, estate: Possessions) -> None:
    _check_as_admin(case, stack, estate)


@REMOVING.parametrize()  # after the others, which need what is removed
@quickly
def test_removing_what_is_there_is_answered_as_documented(case: Any, stack: Stack, estate: Possessions) -> None:
    _check_as_admin(case, stack, estate)


@IN_BRIEF.parametrize()
@quickly
def test_without_a_key_every_answer_is_as_documented(case: Any, stack: Stack) -> None:
    _check(case, stack, {})


def _check_as_admin(case: Any, stack: Stack, estate: Possessions) -> None:
    case.path_parameters = estate.named(case.path_parameters)
    _check(case, stack, {"Authorization": f"Bearer {estate.caller.key}"})


def _check(case: Any, stack: Stack, headers: dict[str, str]) -> None:
    waits = str(case.headers.get("Prefer", "")).startswith("wait")
    response = case.call(base_url=stack.base_url, headers=headers | ({"Prefer": "wait=1"} if waits else {}), timeout=30)
    # Some of the replaced systems' models are not everywhere: 503, as documented. What a page says is not ours: 502.
    elsewhere = {502, 503, 504} if case.operation.definition.raw.get("deprecated") else set()
    if response.status_code not in elsewhere and (case.path != PROBE or response.status_code != 504):
        assert response.status_code < 500, response.text
    case.validate_response(response, checks=CHECKS)
