"""An event loop in a thread of its own, for models: they are called from any thread, and a browser knows only one."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

T = TypeVar("T")

# How soon a model that waits hears that its job was cancelled.
LOOK_SECONDS = 0.05
_LAST_STEPS_SECONDS = 10.0


class Backstage:
    """Starts with the first work. Its thread is a daemon: a worker that ends does not wait for it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T], look: Callable[[], None]) -> T:
        """The result of `work`. `look` is called many times a second meanwhile; if it raises, the work is cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            while True:
                look()
                try:
                    return future.result(timeout=LOOK_SECONDS)
                except NotYet:
                    if future.done():  # the work's own error, which may be of the same class
                        raise
        except CancelledError as error:
            raise RuntimeError("the work was cancelled from within") from error
        finally:
            future.cancel()

    def close(self) -> None:
        """End the thread. What still runs on it is cancelled."""
        with self._lock:
            if self._loop is None or self._thread is None:
                return
            asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(_LAST_STEPS_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_LAST_STEPS_SECONDS)
            self._loop.close()
            self._loop = self._thread = None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="browser", daemon=True)
                self._thread.start()
            return self._loop


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
