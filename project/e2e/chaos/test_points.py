"""Fault points: what is held back, and when a gateway has reached its point."""

import asyncio
from collections.abc import Awaitable

import pytest

from chaos.plan import Kind
from chaos.points import CHANGE_LANE, INSERT_JOB, TICKET, Points
from testkit.faultproxy import Chunk

TAG = "chaos:7-point-0"
REQUEST = Chunk(link=1, upstream=True, data=b'POST /v1/jobs HTTP/1.1\r\n\r\n{"tags": ["chaos:7-point-0"]}')
ACCEPTED = Chunk(link=1, upstream=False, data=b"HTTP/1.1 202 Accepted")
INSERT = Chunk(link=2, upstream=True, data=INSERT_JOB + b"..." + TAG.encode())
STORED = Chunk(link=2, upstream=False, data=b"ok: 1")
OPENING = Chunk(link=3, upstream=True, data=CHANGE_LANE)
PUBLISHED = Chunk(link=4, upstream=True, data=TICKET)
CONFIRMED = Chunk(link=4, upstream=False, data=b"basic.ack")
ELSEWHERE = Chunk(link=9, upstream=False, data=b"an answer to something else")


@pytest.fixture
def points() -> Points:
    return Points()


async def passes(chunk: Awaitable[None]) -> bool:
    """Whether the chunk may go on its way now."""
    watching = asyncio.ensure_future(chunk)
    await asyncio.sleep(0)  # one turn of the loop: a watcher that lets a chunk pass awaits nothing
    return watching.done()


async def test_without_a_point_everything_passes(points: Points) -> None:
    assert await passes(points.on_client(ACCEPTED))
    assert await passes(points.on_mongod(STORED))
    assert await passes(points.on_broker(CONFIRMED))


async def test_stored_is_when_mongodb_has_answered_the_insert_and_the_gateway_has_not_heard(points: Points) -> None:
    async with points.armed(Kind.GATEWAY_STORED, TAG) as reached:
        assert await passes(points.on_client(REQUEST))
        assert await passes(points.on_mongod(INSERT))
        assert await passes(points.on_mongod(ELSEWHERE))
        assert not reached.is_set()

        assert not await passes(points.on_mongod(STORED))
        assert reached.is_set()


async def test_unannounced_is_when_the_client_was_answered_and_the_lane_is_not_open(points: Points) -> None:
    async with points.armed(Kind.GATEWAY_UNANNOUNCED, TAG) as reached:
        assert await passes(points.on_client(REQUEST))
        assert await passes(points.on_mongod(OPENING)), "it is another job's"
        assert await passes(points.on_mongod(INSERT))
        assert await passes(points.on_mongod(STORED))
        assert not await passes(points.on_mongod(OPENING))
        assert not reached.is_set()

        assert await passes(points.on_client(ACCEPTED))
        assert reached.is_set()


async def test_unanswered_is_when_the_ticket_is_confirmed_and_the_client_was_not_answered(points: Points) -> None:
    async with points.armed(Kind.GATEWAY_UNANSWERED, TAG) as reached:
        assert await passes(points.on_client(REQUEST))
        assert await passes(points.on_broker(PUBLISHED)), "it is another job's"
        assert await passes(points.on_mongod(INSERT))
        assert await passes(points.on_mongod(STORED))
        assert not await passes(points.on_client(ACCEPTED))
        assert await passes(points.on_broker(PUBLISHED))
        assert not reached.is_set()

        assert await passes(points.on_broker(CONFIRMED))
        assert reached.is_set()


async def test_what_was_held_is_let_go_when_the_point_is_over(points: Points) -> None:
    async with points.armed(Kind.GATEWAY_STORED, TAG):
        await passes(points.on_mongod(INSERT))
        held = asyncio.ensure_future(points.on_mongod(STORED))

    await held
