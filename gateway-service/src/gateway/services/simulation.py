"""Load on purpose: real jobs of one account for each tier, to see how the tiers share and what each is refused."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from gateway.auth import Caller
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from reelwork.contract.admin import SimulatedTier, SimulationBody, SimulationView
from reelwork.contract.jobs import JobBody, RetentionBody
from reelwork.domain.account import OWNERS_SCOPES, Account, ApiKey
from reelwork.domain.audit import Action
from reelwork.domain.errors import InvalidState, ModelNotFound, ReelworkError
from reelwork.domain.ids import new_key_id
from reelwork.domain.tier import Tier
from reelwork.engine.accounts import create
from reelwork.engine.engine import Engine
from reelwork.engine.grants import Grant, grant
from reelwork.engine.plan import change
from reelwork.generator import ModelCard
from reelwork.store.plans import AccountTerms

TAG = "simulation"
KEPT = timedelta(hours=1)
# So long others wait for one whose gateway died in the midst of it.
LONGEST = timedelta(minutes=1)


class SimulationService:
    """Submits by the same service as everybody; one simulation at a time in the whole installation."""

    def __init__(self, engine: Engine, catalogue: Catalogue, jobs: JobService) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._jobs = jobs

    async def run(self, caller: Caller, body: SimulationBody, *, request_id: str) -> SimulationView:
        """Raises ModelNotFound, and InvalidState while another one runs."""
        card = await self._card(body.model)
        if not await self._engine.stores.pulses.take(TAG, every=LONGEST):
            raise InvalidState("A simulation is running.", hint="Wait until it has ended.", retry_after_seconds=5)
        try:
            asked = body.requests.model_dump()
            details = {tier: str(count) for tier, count in asked.items()} | {"model": card.name}
            await self._engine.stores.audit.record(None, caller.actor, Action.SIMULATION_RUN, card.name, details)
            begun = time.monotonic()
            job = _job(card, body)
            tiers = await asyncio.gather(
                *(self._tier(caller, tier, asked[tier.value], job, request_id) for tier in Tier if asked[tier.value])
            )
            return SimulationView(model=card.name, seconds=round(time.monotonic() - begun, 3), tiers=tiers)
        finally:
            await self._engine.stores.pulses.over(TAG)

    async def _card(self, model: str | None) -> ModelCard:
        """The model that is asked for, else the one that says it is quickest of those that a worker runs and that need
        no files: simulated accounts have none."""
        if model is not None:
            return (await self._catalogue.usable(model, pointer="#/model")).card
        runnable = [one.card for one in await self._catalogue.all() if one.available and not one.card.asset_inputs]
        if not runnable:
            raise ModelNotFound("No worker runs a model without files.", hint="Start a worker, or name a model.")
        return min(runnable, key=lambda card: (card.seconds_hint, card.name))

    async def _tier(self, caller: Caller, tier: Tier, count: int, job: JobBody, request_id: str) -> SimulatedTier:
        account = await self._account(caller, tier)
        key = ApiKey(
            id=new_key_id(),
            account_id=account.id,
            digest="",  # of no key: nobody can send it, and it is stored nowhere
            scopes=OWNERS_SCOPES,
            created_at=datetime.now(UTC),
        )
        submitter = Caller(account=account, key=key)
        await self._fund(caller, submitter, count, job, request_id)
        accepted, refused = list[str](), Counter[str]()
        for _ in range(count):
            try:
                accepted.append((await self._jobs.submit(submitter, job, request_id=request_id)).id)
            except ReelworkError as error:
                refused[error.code] += 1
        return SimulatedTier(
            tier=tier.value,
            account_id=account.id,
            requested=count,
            accepted=len(accepted),
            refused=dict(refused),
            job_ids=accepted,
        )

    async def _fund(self, caller: Caller, submitter: Caller, count: int, job: JobBody, request_id: str) -> None:
        """Credit for all of its jobs, where they cost something: a refusal shall tell of the tier, not of poverty."""
        try:
            price = await self._jobs.price(submitter, job, request_id=request_id)
        except ReelworkError:
            return  # submitting it tells why
        account, stores = submitter.account, self._engine.stores
        balance = await stores.balances.now(account.id)
        lacking = price * count - (balance.available if balance is not None else 0)
        if lacking > 0:
            order = Grant(account_id=account.id, amount=lacking, name=f"{request_id}.{account.id}", note=TAG)
            await grant(stores, order, by=caller.actor)

    async def _account(self, caller: Caller, tier: Tier) -> Account:
        """The tier's account, of this very tier whatever was done to it."""
        name = f"{TAG}-{tier.value}"
        known = await self._engine.stores.directory.named(name)
        if known is None:
            return await create(self._engine.stores, by=caller.actor, name=name, tier=tier, weight=None)
        wanted = AccountTerms(name=name, tier=tier, weight=None, suspended=False)
        return (await change(self._engine, known.id, lambda _: wanted, by=caller.actor)).after


def _job(card: ModelCard, body: SimulationBody) -> JobBody:
    """`cache` off: each of them really runs."""
    values = body.input if body.input is not None else next(iter(card.examples), {})
    kept = round(KEPT.total_seconds())
    return JobBody(
        model=card.name,
        input=values,
        tags=[TAG],
        cache="off",
        retention=RetentionBody(input_seconds=kept, output_seconds=kept),
    )
