"""What a caller may spend: its account's plan, and the caps of account and key."""

from gateway.auth import Caller
from gateway.services.building import NewJob
from reelwork.domain.errors import ReelworkError
from reelwork.domain.ids import JobId
from reelwork.domain.ledger import Bounds
from reelwork.domain.tier import Plans
from reelwork.engine.reserving import Ask, Payer, Purse, Reservations


class Purses:
    """Makes a purse for each request."""

    def __init__(self, reservations: Reservations, plans: Plans) -> None:
        self._reservations = reservations
        self._plans = plans

    def of(self, caller: Caller) -> Purse:
        """The caller's own, as this gateway knows it at the moment."""
        cap, key_id = caller.key.spend_cap, caller.key.purse_id
        bounds = Bounds(
            jobs_per_day=self._plans[caller.account.tier].jobs_per_day,
            account_cap=caller.account.spend_cap,
            key_caps={key_id: cap} if cap is not None else {},
        )
        payer = Payer(account_id=caller.account.id, key_id=key_id, bounds=bounds)
        return Purse(reservations=self._reservations, payer=payer)

    async def refusals(self, caller: Caller, new: NewJob) -> list[ReelworkError]:
        """Why this job could not be paid now; see `estimates.Funds`."""
        return [] if new.job.status.is_terminal else await self.lacks(caller, new.job.id, new.price)

    async def lacks(self, caller: Caller, job: JobId, price: int) -> list[ReelworkError]:
        """The same for a job of this price that is not built yet."""
        return await self.of(caller).refusals(Ask(job_id=job, price=price))
