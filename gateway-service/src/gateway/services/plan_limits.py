"""What an account's plan and the caller's own ceiling allow a job or a batch to be."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.model_views import DURATION
from reelwork.domain.account import Account
from reelwork.domain.errors import FieldError, InsufficientTier, MaxCostExceeded
from reelwork.domain.money import dollars, ten_thousandths
from reelwork.domain.tier import Plan
from reelwork.generator import ModelCard

_HIGHER = "Ask for a higher plan."


def too_long(account: Account, plan: Plan, values: Mapping[str, Any]) -> Iterator[InsufficientTier]:
    """Whether what is to be made is longer than the plan allows. `values`: the whole input, whatever it may hold."""
    seconds, most = values.get(DURATION), plan.max_duration_seconds
    if isinstance(seconds, int | float) and seconds > most:
        error = FieldError(pointer=f"#/input/{DURATION}", code="too_long", detail=f"At most {most:g} seconds.")
        yield InsufficientTier(
            f"The {account.tier} plan makes {most:g} seconds at most; this job asks for {seconds:g}.",
            hint=f"Make it shorter, or {_HIGHER.lower()}",
            errors=[error],
        )


def too_low(account: Account, card: ModelCard) -> Iterator[InsufficientTier]:
    """Whether the model is for higher plans than the account's."""
    if not account.tier.includes(card.min_tier):
        cure = f"It is for the {card.min_tier} plan and above."
        yield InsufficientTier(
            f"{card.name} is not in the {account.tier} plan.",
            hint=f"{cure} {_HIGHER}",
            errors=[FieldError(pointer="#/model", code="not_in_plan", detail=cure)],
        )


def too_dear(price: int, max_cost: str | None) -> Iterator[MaxCostExceeded]:
    """Whether a job of this price (ten-thousandths of a dollar) costs more than the caller wants to pay."""
    if max_cost is not None and price > ten_thousandths(max_cost):
        cure = f"At least {dollars(price)} for this job."
        yield MaxCostExceeded(
            f"The job costs {dollars(price)} US dollars; max_cost allows {dollars(ten_thousandths(max_cost))}.",
            hint="Raise max_cost, or ask for less. POST /v1/jobs/estimate tells the price beforehand.",
            errors=[FieldError(pointer="#/max_cost", code="too_small", detail=cure)],
        )


def check_batch(account: Account, plan: Plan, items: int) -> None:
    """Raises InsufficientTier for a batch that is larger than the account's plan allows."""
    if items <= plan.batch_items:
        return
    if not plan.batch_items:
        raise InsufficientTier(
            f"The {account.tier} plan has no batches.",
            hint=f"Send the jobs one by one to POST /v1/jobs, or {_HIGHER.lower()}",
            errors=[FieldError(pointer="#/items", code="too_many", detail="No batches.")],
        )
    raise InsufficientTier(
        f"A batch of the {account.tier} plan has {plan.batch_items} items at most; this one has {items}.",
        hint=f"Send several smaller batches, or {_HIGHER.lower()}",
        errors=[FieldError(pointer="#/items", code="too_many", detail=f"At most {plan.batch_items}.")],
    )
