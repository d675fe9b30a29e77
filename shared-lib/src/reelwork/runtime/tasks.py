"""Background tasks that end with the scope that owns them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0
# Long enough to hand a job back: whatever ends in order is not asked twice.
INSIST_SECONDS = 3.0


@asynccontextmanager
async def running(work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Background work for the length of the context: begun again should it fail, cancelled at the end."""
    task = asyncio.create_task(_keep_going(work))
    try:
        yield
    finally:
        await _end(task)


async def _keep_going(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            # Nobody awaits background work until the very end: without this a fault would stop it in silence.
            log.exception("task.failed", task=getattr(work, "__qualname__", repr(work)))
        else:
            return
        await asyncio.sleep(RESTART_SECONDS)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel until it is heard: `wait_for` of Python 3.11 swallows a cancellation that comes together with a result
    (python/cpython#86296), and pymongo waits by it for every answer."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=INSIST_SECONDS)
    if not task.cancelled():
        task.result()
