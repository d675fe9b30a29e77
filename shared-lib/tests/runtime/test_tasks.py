"""Background work lives as long as its scope: it is begun again when it fails, and it ends with it."""

import asyncio

import pytest

from reelwork.runtime import tasks
from reelwork.runtime.tasks import running


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESTART_SECONDS", 0)
    monkeypatch.setattr(tasks, "INSIST_SECONDS", 0.01)


async def test_work_ends_with_its_scope() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(work):
        await begun.wait()

    assert ended.is_set()


async def test_the_scope_ends_after_the_work_has_cleaned_up() -> None:
    begun, told = asyncio.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("cleaned up")

    async with running(work):
        await begun.wait()
    told.append("scope over")

    assert told == ["cleaned up", "scope over"]


async def test_work_that_fails_is_begun_again() -> None:
    begun, again = [], asyncio.Event()

    async def work() -> None:
        begun.append(1)
        if len(begun) == 3:
            again.set()
            await asyncio.Event().wait()
        raise ZeroDivisionError("a fault")

    async with running(work), asyncio.timeout(10):
        await again.wait()

    assert len(begun) == 3


async def test_work_that_is_done_is_not_begun_again() -> None:
    begun, done = [], asyncio.Event()

    async def work() -> None:
        begun.append(1)
        done.set()

    async with running(work):
        await done.wait()
        await asyncio.sleep(0)

    assert begun == [1]


async def test_a_cancellation_that_comes_together_with_an_answer_is_not_lost() -> None:
    """As a driver waits for its server: the answer arrives in the very moment in which the scope ends."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.wait_for(answer, timeout=60)
        await asyncio.Event().wait()

    async with asyncio.timeout(10), running(work):
        await begun.wait()
        await asyncio.sleep(0)
        answer.set_result(None)


async def test_an_error_of_the_scope_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        async with running(asyncio.Event().wait):  # type: ignore[arg-type]  # what it returns is of no interest
            raise ZeroDivisionError
