"""What one request is charged of its account's rate."""

from reelwork.counters.limiter import Limiter
from reelwork.domain.errors import FieldError, InsufficientTier, RateLimited
from reelwork.domain.rate import Rate, Standing


class Meter:
    """What one request is charged: it is let in for what its head tells, and what it asks for may weigh more."""

    def __init__(self, limiter: Limiter, rate: Rate, subject: str) -> None:
        self._limiter = limiter
        self._rate = rate
        self._subject = subject
        self.standing: Standing | None = None
        """Of the account since this request; None before it is charged anything."""
        self.charged = 0

    async def admit(self, units: int = 1) -> None:
        """Raises RateLimited: then nothing is charged."""
        self.standing = await self._limiter.take(self._rate, self._subject, units)
        require_room(self.standing, units)
        self.charged = units

    async def charge(self, units: int, *, field: str, cure: str) -> None:
        """Charge so many in all, with what it was let in for. One that nobody could count costs nothing more.

        Raises InsufficientTier, which names `field` and the cure, for more than the plan ever has room for;
        RateLimited: then all that it was charged is given back.
        """
        more = units - self.charged
        if more <= 0 or self.standing is None or self.standing.remaining is None:
            return
        if units > self._rate.amount:
            raise _too_heavy(self._rate, units, field=field, cure=cure)
        self.standing = await self._limiter.take(self._rate, self._subject, more, held=self.charged)
        self.charged = units if self.standing.allowed else 0
        require_room(self.standing, units)


def require_room(standing: Standing, units: int = 1) -> None:
    """Raises RateLimited. `units`: what was asked for."""
    if not standing.allowed:
        rate = standing.rate
        weight = f" This one counts as {units:,}." if units > 1 else ""
        raise RateLimited(
            f"Your plan allows {rate.amount:,} {rate.name} requests in {rate.seconds} s.{weight}",
            hint=f"Wait {standing.wait_seconds} s, or ask for a higher plan.",
            limit=rate.amount,
            retry_after_seconds=standing.wait_seconds,
        )


def _too_heavy(rate: Rate, units: int, *, field: str, cure: str) -> InsufficientTier:
    most = f"It counts as {units:,} {rate.name} requests; your plan allows {rate.amount:,} in {rate.seconds} s."
    return InsufficientTier(
        f"The request is too heavy for your plan. {most}",
        hint=f"{cure}, or ask for a higher plan. Waiting does not help.",
        errors=[FieldError(pointer=field, code="too_heavy", detail=most)],
    )
