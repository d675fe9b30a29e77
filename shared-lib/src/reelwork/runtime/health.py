"""Health: one timed round trip to each server that a process depends on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from reelwork.contract.health import ComponentHealth

Probe = Callable[[], Awaitable[None]]

DEADLINE_SECONDS = 2.0


async def check(probes: Mapping[str, Probe]) -> dict[str, ComponentHealth]:
    """Every probe at once, each with a deadline. Never raises: what fails is reported as down."""
    results = await asyncio.gather(*(_time(probe) for probe in probes.values()))
    return dict(zip(probes, results, strict=True))


async def _time(probe: Probe) -> ComponentHealth:
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await probe()
    except TimeoutError:
        return ComponentHealth(status="down", latency_ms=None, detail=f"no answer within {DEADLINE_SECONDS:g} s")
    except Exception as error:  # noqa: BLE001  (whatever is wrong with a server is the answer, not our failure)
        return ComponentHealth(status="down", latency_ms=None, detail=type(error).__name__)
    return ComponentHealth(status="ok", latency_ms=round((time.perf_counter() - begun) * 1000, 2))
