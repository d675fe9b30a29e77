"""How long the object store takes, by operation. The time in which a call waits for a thread is not in it."""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from reelwork.metrics import S3_SECONDS

P = ParamSpec("P")
T = TypeVar("T")


def measured(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it, and note how it went: `refused` is any error, a missing object among them."""
    operation, begun, outcome = getattr(call, "__name__", "other").lstrip("_"), time.perf_counter(), "refused"
    try:
        answer = call(*args, **kwargs)
        outcome = "ok"
        return answer
    finally:
        S3_SECONDS.labels(operation, outcome).observe(time.perf_counter() - begun)
