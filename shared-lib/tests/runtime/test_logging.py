"""Logs: one JSON object a line, with what is bound to the request or the job, whoever wrote the line."""

import json
import logging
import secrets
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from reelwork.runtime.logging import NOISY, configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging belongs to the whole process: leave it as it was."""
    root = logging.getLogger()
    handlers, level, config = list(root.handlers), root.level, structlog.get_config()
    levels = {name: logging.getLogger(name).level for name in NOISY}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    out, err = capsys.readouterr()
    assert out == "", "standard output belongs to programs"
    return [json.loads(line) for line in err.splitlines()]


def test_a_line_is_one_json_object_with_event_fields_level_and_utc_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="json", level="info")

    structlog.get_logger("reelwork.engine").info("job.queued", job_id="job_1", text="two\nlines")

    (line,) = lines(capsys)
    assert (line["event"], line["job_id"], line["level"], line["logger"]) == (
        "job.queued",
        "job_1",
        "info",
        "reelwork.engine",
    )
    assert line["text"] == "two\nlines"
    assert str(line["timestamp"]).endswith("Z")


def test_every_line_of_a_request_carries_its_id_and_no_other_does(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="json", level="info")
    log = structlog.get_logger("gateway")

    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        log.info("job.queued")
        logging.getLogger("somebody.else").warning("of a library")
    log.info("reconcile.repaired")

    assert [line.get("request_id") for line in lines(capsys)] == ["req_1", "req_1", None]


def test_what_libraries_log_looks_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="json", level="info")

    logging.getLogger("uvicorn.error").warning("port %d is taken", 8000)

    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("port 8000 is taken", "warning", "uvicorn.error")


@pytest.mark.parametrize("name", NOISY)
def test_libraries_that_talk_much_are_heard_when_it_matters(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="json", level="debug")

    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")

    assert [line["event"] for line in lines(capsys)] == ["trouble"]


def test_less_than_the_least_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="json", level="warning")

    structlog.get_logger("worker").info("job.claimed")

    assert lines(capsys) == []


@pytest.mark.parametrize("logger", [structlog.get_logger("worker"), logging.getLogger("of.a.library")])
def test_an_error_is_logged_with_its_trace_in_the_same_line(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(style="json", level="info")

    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logger.exception("model.failed")

    (line,) = lines(capsys)
    assert "ZeroDivisionError" in str(line["exception"])


def test_set_up_twice_a_line_is_still_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="json", level="info")
    configure_logging(style="json", level="info")

    structlog.get_logger("worker").info("job.claimed")

    assert len(lines(capsys)) == 1


def test_for_people_a_line_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(style="console", level="info")

    structlog.get_logger("worker").info("job.claimed", job_id="job_1")

    written = capsys.readouterr().err
    assert "job.claimed" in written
    assert "job_id=job_1" in written
    assert "\x1b" not in written, "no colours where nobody sees them"


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_trace_shows_no_local_variables(
    style: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(style=style, level="info")
    secret = secrets.token_hex(16)

    def fails(headers: dict[str, str]) -> None:
        raise RuntimeError(f"{len(headers)} headers are too many")

    try:
        fails({"Authorization": secret})
    except RuntimeError:
        structlog.get_logger("test").exception("request.failed")

    told = capsys.readouterr().err
    assert "1 headers are too many" in told
    assert secret not in told
