"""The limiter in front of a storage that comes and goes: soon answered, open while it is down, counted, back again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from reelwork.counters.limiter import Limiter
from reelwork.counters.memory import MemoryWindows
from reelwork.counters.valkey import ValkeyWindows
from reelwork.counters.windows import Question, Windows
from reelwork.domain.ids import new_account_id
from reelwork.domain.rate import Rate, Standing
from reelwork.runtime.tasks import running
from testkit.services import UrlService

RATE = Rate(name="submit", amount=100)
PAUSE = 0.05


class RemoteWindows:
    """A storage that is asked as one on another machine is."""

    def __init__(self) -> None:
        self._memory = MemoryWindows()

    async def ask(self, questions: Sequence[Question]) -> list[Standing]:
        return await self._memory.ask(questions)

    async def forget(self) -> None:
        """There is no connection."""

    async def ping(self) -> None:
        """It is there."""


class CountedWindows(RemoteWindows):
    """It tells how often it was asked, and can be made to hang."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds: list[int] = []
        self.asked = asyncio.Event()
        self.flows = asyncio.Event()
        self.flows.set()

    async def ask(self, questions: Sequence[Question]) -> list[Standing]:
        self.rounds.append(len(questions))
        self.asked.set()
        await self.flows.wait()
        return await super().ask(questions)


@asynccontextmanager
async def limiting(windows: Windows) -> AsyncIterator[Limiter]:
    limiter = Limiter(windows, pause=PAUSE, patience=0.5)  # tests take all of the machine
    async with running(limiter.run):
        yield limiter


async def until_counted(limiter: Limiter) -> Standing:
    """Ask until the storage answers again."""
    async with asyncio.timeout(30):
        while True:
            standing = await limiter.take(RATE, "somebody else")
            if standing.remaining is not None:
                return standing
            await asyncio.sleep(PAUSE)


@pytest.mark.parametrize("windows", [MemoryWindows, RemoteWindows])
async def test_of_500_at_once_exactly_100_are_let_through(windows: type[MemoryWindows | RemoteWindows]):
    async with limiting(windows()) as limiter:
        told = await asyncio.gather(*(limiter.take(RATE, "a") for _ in range(500)))

    assert sum(standing.allowed for standing in told) == 100


async def test_requests_that_come_together_are_asked_about_together():
    windows = CountedWindows()
    async with limiting(windows) as limiter:
        await asyncio.gather(*(limiter.take(RATE, "a") for _ in range(100)))

    assert windows.rounds == [100]


async def test_a_caller_that_goes_away_leaves_the_others_their_answers():
    windows = CountedWindows()
    windows.flows.clear()
    async with limiting(windows) as limiter:
        gone, stays = (asyncio.create_task(limiter.take(RATE, "a")) for _ in range(2))
        await windows.asked.wait()
        gone.cancel()
        windows.flows.set()

        assert (await stays).remaining == 98


async def test_while_the_storage_hangs_everything_passes_and_only_few_ask_it():
    windows = CountedWindows()
    windows.flows.clear()
    async with limiting(windows) as limiter:
        with capture_logs() as logs:
            told = await asyncio.gather(*(limiter.take(RATE, "a") for _ in range(500)))
            told += [await limiter.take(RATE, "a") for _ in range(500)]
            asked = len(windows.rounds)
            windows.flows.set()
            await until_counted(limiter)

    assert {(standing.allowed, standing.remaining) for standing in told} == {(True, None)}
    assert asked <= 3  # the first, and one for each pause that has passed
    assert limiter.unchecked >= 1000
    assert [entry["event"] for entry in logs] == ["limiter.down", "limiter.back"]
    assert not limiter.is_down


async def test_a_fault_in_the_storage_keeps_nobody_out():
    class Faulty(RemoteWindows):
        async def ask(self, questions: Sequence[Question]) -> list[Standing]:
            raise ZeroDivisionError

    async with limiting(Faulty()) as limiter:
        assert (await limiter.take(RATE, "a")).allowed
        assert limiter.is_down


@pytest.mark.parametrize("fault", ["kill", "pause"])
async def test_a_limiter_without_its_valkey_is_open_and_counts_again_when_it_is_back(
    own_valkey: UrlService, fault: str
):
    subject = new_account_id()
    async with ValkeyWindows.open(own_valkey.url) as windows, limiting(windows) as limiter:
        assert (await limiter.take(RATE, subject)).remaining == 99
        getattr(own_valkey, fault)()

        without = await asyncio.gather(*(limiter.take(RATE, subject) for _ in range(200)))
        looked = await limiter.look(RATE, subject)

        own_valkey.start() if fault == "kill" else own_valkey.resume()
        await until_counted(limiter)
        after = await limiter.take(RATE, subject)

    assert {(standing.allowed, standing.remaining) for standing in [*without, looked]} == {(True, None)}
    assert limiter.unchecked >= 200
    assert after.remaining is not None
    assert after.remaining < 99  # Valkey keeps what was counted over a restart


async def test_a_valkey_that_is_away_at_the_start_is_used_once_it_comes(own_valkey: UrlService):
    own_valkey.kill()
    async with ValkeyWindows.open(own_valkey.url) as windows, limiting(windows) as limiter:
        assert (await limiter.take(RATE, "a")).remaining is None

        own_valkey.start()

        assert (await until_counted(limiter)).remaining == 99


async def test_a_wrong_password_is_told_without_it(own_valkey: UrlService):
    wrong = own_valkey.url.replace("redis://:", "redis://:wrong")
    async with ValkeyWindows.open(wrong) as windows, limiting(windows) as limiter:
        with capture_logs() as logs:
            assert (await limiter.take(RATE, "a")).remaining is None

    assert [entry["reason"] for entry in logs] == ["AuthenticationError"]
