"""Whose wrong keys are counted together, which of them count, and for how long an address is sent away."""

from collections.abc import AsyncIterator

import pytest

from gateway.services import failed_logins
from gateway.services.failed_logins import FailedLogins
from reelwork.counters.limiter import Limiter
from reelwork.counters.memory import MemoryWindows
from reelwork.domain.errors import ExpiredToken, InvalidApiKey, MissingCredentials, RateLimited, ReelworkError
from reelwork.domain.rate import Standing
from reelwork.runtime.tasks import running

pytestmark = pytest.mark.security

FAILURES = 3
HOME = "203.0.113.7"


class Unreachable:
    """A storage that never answers."""

    async def ask(self, questions: object) -> list[Standing]:
        raise ConnectionError

    async def forget(self) -> None:
        """There is no connection."""

    async def ping(self) -> None:
        raise ConnectionError


@pytest.fixture
async def limiter() -> AsyncIterator[Limiter]:
    opened = Limiter(MemoryWindows())
    async with running(opened.run):
        yield opened


@pytest.fixture
def logins(limiter: Limiter) -> FailedLogins:
    return FailedLogins(limiter, per_minute=FAILURES)


async def failed(logins: FailedLogins, address: str | None, error: type[ReelworkError] = InvalidApiKey) -> str:
    """The code that a failure is answered with."""
    try:
        async with logins.watched(address):
            raise error("No.")
    except ReelworkError as answered:
        return answered.code


async def let_in(logins: FailedLogins, address: str | None) -> bool:
    """Whether a key from there is looked at."""
    try:
        async with logins.watched(address):
            return True
    except RateLimited:
        return False


async def test_the_last_failure_that_is_allowed_closes_the_door(logins: FailedLogins):
    codes = []
    for _ in range(FAILURES):
        assert await let_in(logins, HOME)
        codes.append(await failed(logins, HOME))

    assert codes == ["invalid_api_key"] * FAILURES
    assert not await let_in(logins, HOME)
    assert await let_in(logins, "203.0.113.8")


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "203.0.113.7", True),
        (None, None, True),
    ],
)
async def test_a_network_of_ipv6_counts_as_one_address(
    logins: FailedLogins, one: str | None, other: str | None, together: bool
):
    for _ in range(FAILURES):
        await failed(logins, one)

    assert await let_in(logins, other) is not together


@pytest.mark.parametrize("error", [ExpiredToken, MissingCredentials])
async def test_what_is_no_guess_does_not_count(logins: FailedLogins, error: type[ReelworkError]):
    codes = {await failed(logins, HOME, error) for _ in range(FAILURES * 3)}

    assert codes == {error.code}
    assert await let_in(logins, HOME)


async def test_another_gateway_refuses_with_the_first_failure_of_its_own(limiter: Limiter):
    first, second = (FailedLogins(limiter, per_minute=FAILURES) for _ in range(2))
    for _ in range(FAILURES):
        await failed(first, HOME)

    assert await let_in(second, HOME)
    assert await failed(second, HOME) == "rate_limited"
    assert not await let_in(second, HOME)


async def test_after_the_time_it_was_told_an_address_may_try_again(limiter: Limiter):
    now = 0.0
    logins = FailedLogins(limiter, per_minute=FAILURES, clock=lambda: now)
    for _ in range(FAILURES):
        await failed(logins, HOME)
    with pytest.raises(RateLimited) as refused:
        async with logins.watched(HOME):
            pass
    assert refused.value.retry_after_seconds is not None

    now += refused.value.retry_after_seconds

    assert await let_in(logins, HOME)


async def test_the_addresses_that_are_remembered_are_bounded(logins: FailedLogins, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(failed_logins, "MOST_KEPT", 4)

    for number in range(20):
        for _ in range(FAILURES):
            await failed(logins, f"203.0.113.{number}")

    assert len(logins._away) <= 4
    assert await failed(logins, "203.0.113.0") == "rate_limited"  # forgotten here, and still counted there


async def test_while_the_limiter_is_down_nobody_is_sent_away():
    limiter = Limiter(Unreachable())
    async with running(limiter.run):
        logins = FailedLogins(limiter, per_minute=FAILURES)

        assert {await failed(logins, HOME) for _ in range(FAILURES * 3)} == {"invalid_api_key"}
