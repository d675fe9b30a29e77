"""Background tasks that end with the scope that owns them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0


@asynccontextmanager
async def running(work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Background work for the length of the context: begun again should it fail, cancelled at the end."""
    task = asyncio.create_task(_keep_going(work))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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
