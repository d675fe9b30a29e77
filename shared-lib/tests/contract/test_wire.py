"""The wire: strict where we read, stable where we write, and in step with the domain."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reelwork.contract.base import Timestamp, Wire
from reelwork.contract.events import EventView
from reelwork.contract.health import ComponentHealth, Readiness
from reelwork.contract.jobs import JobBody, PriorityName, StatusName
from reelwork.contract.problem import Problem
from reelwork.domain.job import Priority, Status

JOB = {"model": "builtin/landscape"}


class Moment(Wire):
    at: Timestamp


def test_the_wires_words_are_the_domains() -> None:
    assert set(get_args(StatusName)) == {status.value for status in Status}
    assert set(get_args(PriorityName)) == {priority.name.lower() for priority in Priority}


def test_a_job_needs_a_model_and_nothing_else() -> None:
    body = JobBody.model_validate(JOB)

    assert (body.input, body.priority, body.tags, body.metadata) == ({}, "normal", [], {})


def test_two_jobs_share_no_default() -> None:
    one, other = JobBody.model_validate(JOB), JobBody.model_validate(JOB)

    assert one.input is not other.input
    assert one.tags is not other.tags


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("model", {}),
        ("model", {"model": ""}),
        ("model", {"model": "x" * 129}),
        ("model", {"model": {"$gt": ""}}),
        ("model", {"model": None}),
        ("input", JOB | {"input": []}),
        ("input", JOB | {"input": "x"}),
        ("priority", JOB | {"priority": "urgent"}),
        ("priority", JOB | {"priority": 1}),
        ("tags", JOB | {"tags": ["x"] * 17}),
        ("tags", JOB | {"tags": [""]}),
        ("tags", JOB | {"tags": ["x" * 65]}),
        ("tags", JOB | {"tags": ["a\x00b"]}),
        ("tags", JOB | {"tags": ["a\nb"]}),
        ("tags", JOB | {"tags": [1]}),
        ("metadata", JOB | {"metadata": {"a.b": "x"}}),
        ("metadata", JOB | {"metadata": {"$where": "x"}}),
        ("metadata", JOB | {"metadata": {"": "x"}}),
        ("metadata", JOB | {"metadata": {"key": 1}}),
        ("metadata", JOB | {"metadata": {"key": "x" * 501}}),
        ("metadata", JOB | {"metadata": {f"key{number}": "" for number in range(17)}}),
        ("account_id", JOB | {"account_id": "acct_other"}),
        ("status", JOB | {"status": "completed"}),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_wrong_job_is_refused_with_the_field_that_is_wrong(where: str, body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        JobBody.model_validate_json(json.dumps(body))

    assert {error["loc"][0] for error in refused.value.errors()} == {where}


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_moments_are_written_in_utc_with_milliseconds(at: datetime) -> None:
    try:
        written = json.loads(Moment(at=at).model_dump_json())["at"]
    except OverflowError:
        assert at.year in {1, 9999}, "the zone leads out of the calendar"
        return

    assert written.endswith("Z")
    assert len(written) == len("2026-11-21T12:30:15.250Z")
    assert abs(datetime.fromisoformat(written) - at) < timedelta(milliseconds=1)


def test_what_is_written_does_not_change_afterwards() -> None:
    event = EventView(seq=1, at=datetime.now(UTC), type="job.queued", status="queued", attempt=0)

    with pytest.raises(ValidationError, match="frozen"):
        event.seq = 2


def test_a_problem_says_all_that_a_client_decides_by() -> None:
    problem = Problem(
        type="https://example.org/errors/job_not_found",
        title="No such job",
        status=404,
        code="job_not_found",
        detail="There is no such job.",
        instance="/v1/jobs/job_0",
        request_id="req_0",
        timestamp=datetime.now(UTC),
        retryable=False,
    )

    written = json.loads(problem.model_dump_json())

    assert {"type", "title", "status", "code", "detail", "instance", "request_id", "retryable"} <= set(written)
    assert Problem.model_validate(written).code == "job_not_found"


def test_health_tells_components_apart() -> None:
    up, down = ComponentHealth(status="ok", latency_ms=1.25), ComponentHealth(status="down", latency_ms=None)

    readiness = Readiness(status="degraded", components={"store": up, "broker": down})

    assert json.loads(readiness.model_dump_json())["components"]["broker"]["status"] == "down"
    with pytest.raises(ValidationError):
        ComponentHealth(status="maybe", latency_ms=None)
