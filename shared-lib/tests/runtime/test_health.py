"""Health: every server is asked at once, and none is waited for long."""

import asyncio

import pytest

from reelwork.runtime import health


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DEADLINE_SECONDS", 0.05)


async def fine() -> None:
    await asyncio.sleep(0)


async def broken() -> None:
    raise ConnectionError("to 10.0.0.7 with a password")


async def silent() -> None:
    await asyncio.Event().wait()


async def test_a_server_that_answers_is_ok_and_its_time_is_told() -> None:
    found = await health.check({"mongodb": fine})

    assert found["mongodb"].status == "ok"
    assert found["mongodb"].latency_ms is not None
    assert found["mongodb"].detail is None


async def test_a_server_that_fails_is_down_and_only_the_kind_of_failure_is_told() -> None:
    found = await health.check({"s3": broken})

    assert (found["s3"].status, found["s3"].latency_ms, found["s3"].detail) == ("down", None, "ConnectionError")


@pytest.mark.usefixtures("hasty")
async def test_a_server_that_says_nothing_is_down_after_the_deadline() -> None:
    found = await health.check({"rabbitmq": silent})

    assert (found["rabbitmq"].status, found["rabbitmq"].detail) == ("down", "no answer within 0.05 s")


@pytest.mark.usefixtures("hasty")
async def test_servers_are_told_apart_and_one_does_not_hide_the_others() -> None:
    found = await health.check({"mongodb": fine, "s3": broken, "rabbitmq": silent})

    assert {name: one.status for name, one in found.items()} == {"mongodb": "ok", "s3": "down", "rabbitmq": "down"}


async def test_servers_are_asked_at_once() -> None:
    """Each waits for the other: one after the other none would ever be done."""
    meeting = asyncio.Barrier(2)

    async def meet() -> None:
        await meeting.wait()

    found = await health.check({"one": meet, "other": meet})

    assert {one.status for one in found.values()} == {"ok"}
