"""The port for usage events, the message that carries them, and the queue without a broker.

Unlike tickets and notices these are wanted: an event is handed over until somebody has said that it is handled. It may
be handed over several times, which harms nobody, since events have names.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from pydantic import TypeAdapter, ValidationError

from reelwork.broker.base import BrokerDown
from reelwork.domain.usage import UsageEvent

Handle: TypeAlias = Callable[[Sequence[UsageEvent]], Awaitable[None]]

LARGEST_MESSAGE_BYTES = 8 * 1024 * 1024
HANDLED_SECONDS = 5.0

_EVENTS: TypeAdapter[list[UsageEvent]] = TypeAdapter(list[UsageEvent])


class UsageQueue(Protocol):
    """A queue of usage events between gateways."""

    async def send(self, events: Sequence[UsageEvent]) -> None:
        """The broker has them, on its disk, when this returns. Raises `BrokerDown`: then it has them or not."""
        ...

    async def receive(self, handle: Handle) -> None:
        """Hand over what arrives, message by message, until cancelled. What is not handled when this process ends is
        handed to another. `handle` must not raise."""
        ...


class NotUsage(ValueError):  # the sender is not one of ours, or newer than we are
    """A message on the queue that cannot be read as usage events."""


def encode_usage(events: Sequence[UsageEvent]) -> bytes:
    """Events as JSON. Raises ValueError when they are more than 8 MiB."""
    body = json.dumps(_EVENTS.dump_python(list(events), mode="json"), separators=(",", ":")).encode()
    if len(body) > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"usage events of {len(body)} bytes are too large")
    return body


def decode_usage(body: bytes) -> list[UsageEvent]:
    """The inverse of `encode_usage`. Raises `NotUsage`; what comes from the network is not trusted to be ours."""
    try:
        events = _EVENTS.validate_json(body)
    except ValidationError as error:
        raise NotUsage(f"not usage events: {error.error_count()} faults") from error
    if not all(_is_sound(event) for event in events):
        raise NotUsage("a moment without its offset, or a count below zero")
    return events


class InProcessUsageQueue:
    """Implements `UsageQueue` on asyncio, for one event loop. What was sent is handled when `send` returns."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Sequence[UsageEvent], asyncio.Future[None]]] = asyncio.Queue()

    async def send(self, events: Sequence[UsageEvent]) -> None:
        """Raises `BrokerDown` when nobody has handled them within some seconds; they may still be."""
        handled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((events, handled))
        await asyncio.wait({handled}, timeout=HANDLED_SECONDS)
        if not handled.done():
            raise BrokerDown(f"nobody wrote usage down within {HANDLED_SECONDS:g} s")

    async def receive(self, handle: Handle) -> None:
        while True:
            events, handled = await self._queue.get()
            await handle(events)
            handled.set_result(None)


def _is_sound(event: UsageEvent) -> bool:
    return event.at.tzinfo is not None and all(count >= 0 for count in event.counts.values())
