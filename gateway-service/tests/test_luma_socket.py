"""Luma's dashboard over a WebSocket: for operators, a message each second, and not for ever."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gateway.services import luma_feed
from gateway.services.luma_feed import TRY_AGAIN, LumaFeed, Socket
from gateway.services.overview import OverviewService
from gateway.services.rates import RateLimits
from reelwork.counters.limiter import Limiter
from reelwork.counters.memory import MemoryWindows
from reelwork.domain.account import Scope
from reelwork.domain.tier import PLANS
from testkit.caller import Caller, Json, expect
from testkit.services import S3Service, fresh_database
from testkit.stack import Servers, Stack, running_stack
from testkit.world import open_world


@contextmanager
def socket(stack: Stack, *, key: str | None = None, query: str = "") -> Iterator[ClientConnection]:
    url = f"{stack.base_url.replace('http', 'ws', 1)}/ws/dashboard{query}"
    with connect(url, additional_headers={"X-API-Key": key} if key else {}, open_timeout=20) as opened:
        yield opened


def message(opened: ClientConnection) -> Json:
    told: Json = json.loads(opened.recv(timeout=20))
    return told


def refusal(stack: Stack, **terms: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused:
        socket(stack, **terms).__enter__()
    answer = refused.value.response
    return answer.status_code, json.loads(answer.body)["error"]["code"]


def test_who_connects_is_told_so_and_then_the_state_again_and_again(stack: Stack, almighty: Caller):
    with socket(stack, key=almighty.key) as opened:
        first, updates = message(opened), [message(opened) for _ in range(2)]

    assert first["type"] == "connected"
    for update in updates:
        assert update["type"] == "update"
        assert update["data"].keys() == {"queues", "total_queued", "rate_limits", "active_jobs", "recent_requests"}
        weights = {name: queue["weight"] for name, queue in update["data"]["queues"].items()}
        assert {"critical": 10, "high": 5, "normal": 1}.items() <= weights.items()
    assert first["timestamp"] < updates[0]["timestamp"] < updates[1]["timestamp"]
    assert almighty.key.split("_")[2] not in json.dumps(updates)


def test_a_ticket_opens_it_once(stack: Stack, almighty: Caller):
    ticket = expect(201, almighty.http.post("/v1/stream-tickets"))["ticket"]

    with socket(stack, query=f"?ticket={ticket}") as opened:
        assert message(opened)["type"] == "connected"

    assert refusal(stack, query=f"?ticket={ticket}") == (401, "AUTH_INVALID_KEY")


def test_it_is_for_operators_alone(stack: Stack, owner: Caller):
    ticket = expect(201, owner.http.post("/v1/stream-tickets"))["ticket"]

    assert refusal(stack) == (401, "AUTH_MISSING_CREDENTIALS")
    assert refusal(stack, key="wrong") == (401, "AUTH_INVALID_KEY")
    assert refusal(stack, key=owner.key) == (403, "AUTH_PERMISSION_DENIED")
    assert refusal(stack, query=f"?ticket={ticket}") == (403, "AUTH_PERMISSION_DENIED")
    assert refusal(stack, query=f"?api_key={owner.key}") == (400, "VALIDATION_ERROR")


def test_a_ticket_of_an_operator_opens_nothing_but_streams(stack: Stack, almighty: Caller, nobody: Caller):
    ticket = expect(201, almighty.http.post("/v1/stream-tickets"))["ticket"]

    assert nobody.http.get("/v1/admin/dashboard", params={"ticket": ticket}).status_code in {400, 401}


def last_words(opened: ClientConnection) -> int:
    """The code that it is closed with."""
    with pytest.raises(ConnectionClosed) as ended:
        _listen(opened)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


def _listen(opened: ClientConnection) -> None:
    while True:
        message(opened)


def test_it_ends_with_the_life_of_streams_and_for_who_says_too_much(mongo_url: str, s3: S3Service):
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), workers=0, stream_seconds=1.5) as brief:
        operator = brief.caller("operator", scopes=frozenset(Scope))

        with socket(brief, key=operator.key) as opened:
            assert last_words(opened) == 1001
        with socket(brief, key=operator.key) as loud:
            loud.send("x" * 100_000)
            assert last_words(loud) == 1009


@pytest.fixture
async def feed(mongo_url: str) -> AsyncIterator[LumaFeed]:
    with fresh_database(mongo_url) as name:
        async with open_world(mongo_url, name) as world:
            rates = RateLimits(Limiter(MemoryWindows()), world.stores.directory, PLANS, shared=False)
            yield LumaFeed(OverviewService(world.engine), rates, life_seconds=3600, closing=lambda: False)


async def admitted() -> bool:
    return True


async def test_who_does_not_keep_up_is_sent_away_and_holds_up_nobody(feed: LumaFeed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(luma_feed, "EVERY_SECONDS", 0.01)
    stuck, told, never = asyncio.Event(), asyncio.Queue[str](), asyncio.Event()

    async def send_slowly(_text: str) -> None:
        stuck.set()
        await never.wait()  # as a connection's own does while its buffer is full

    async def silence() -> dict[str, Any]:
        await never.wait()
        return {}

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        quick = group.create_task(feed.follow(Socket(send=told.put, receive=silence), admitted=admitted))
        await told.get()
        monkeypatch.setattr(luma_feed, "SLOW_SECONDS", 5.0)
        slow = group.create_task(feed.follow(Socket(send=send_slowly, receive=silence), admitted=admitted))
        await stuck.wait()
        updates = [json.loads(await told.get()) for _ in range(3)]
        was_stuck = not slow.done()
        code = await slow
        after = json.loads(await told.get())
        quick.cancel()

    assert was_stuck
    assert code == TRY_AGAIN
    assert {update["type"] for update in [*updates, after]} == {"update"}


async def test_who_watches_at_the_same_time_is_sent_what_was_read_once(feed: LumaFeed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(luma_feed, "EVERY_SECONDS", 0.1)
    told: list[list[str]] = [[], []]

    async def watch(messages: list[str]) -> None:
        async def admitted() -> bool:
            return len(messages) < 6

        async def send(text: str) -> None:
            messages.append(json.loads(text)["timestamp"])

        async def silence() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        await feed.follow(Socket(send=send, receive=silence), admitted=admitted)

    await asyncio.gather(*map(watch, told))

    assert [len(messages) for messages in told] == [6, 6]
    assert all(earlier < later for messages in told for earlier, later in pairwise(messages))
    assert len(set(told[0]) | set(told[1])) <= 9
