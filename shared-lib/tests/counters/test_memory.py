"""What a process remembers of windows goes away with them, although nobody looks for it with each request."""

import asyncio

import pytest

from reelwork.counters import memory
from reelwork.counters.memory import MemoryWindows
from reelwork.counters.windows import Question
from reelwork.domain.rate import Rate

ONE_SECOND = Rate(name="tries", amount=3, seconds=1)


async def test_subjects_that_went_away_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "EXPIRY_SECONDS", 0.05)
    windows = MemoryWindows()
    for number in range(20):
        await windows.ask([Question(rate=ONE_SECOND, subject=f"gone-{number}", units=1)])

    async with asyncio.timeout(30):
        while set(windows._storage.events) != {"tries/here"}:
            await windows.ask([Question(rate=ONE_SECOND, subject="here", units=1)])
            await asyncio.sleep(0.02)


async def test_between_two_looks_nothing_but_the_pause_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "EXPIRY_SECONDS", 60.0)
    windows = MemoryWindows()
    await windows.ask([Question(rate=ONE_SECOND, subject="here", units=1)])
    pause = windows._storage.timer
    for _ in range(5):
        await windows.ask([Question(rate=ONE_SECOND, subject="here", units=1)])
    assert windows._storage.timer is pause
    assert pause is not None
    pause.cancel()
