"""Money, from the domain's whole numbers to the wire."""

from reelwork.contract.ledger import BalanceView, EntryView, SpendCapView
from reelwork.contract.money import CostView, PricingView
from reelwork.domain.account import Account, ApiKey
from reelwork.domain.job import Job
from reelwork.domain.ledger import Balance, Entry
from reelwork.domain.money import dollars
from reelwork.domain.price import Cost, Pricing


def cost_view(cost: Cost) -> CostView:
    return CostView(
        estimated=dollars(cost.estimated),
        reserved=dollars(cost.reserved),
        charged=dollars(cost.charged) if cost.charged is not None else None,
        refunded=dollars(cost.refunded),
    )


def job_cost(job: Job) -> CostView:
    return cost_view(Cost.of(job.bill, has_ended=job.status.is_terminal))


def pricing_view(pricing: Pricing) -> PricingView:
    return PricingView(
        base=dollars(pricing.base), amount=dollars(pricing.amount), unit=pricing.unit, formula=pricing.formula
    )


def entry_view(entry: Entry) -> EntryView:
    return EntryView(
        id=entry.serial,
        at=entry.at,
        kind=entry.kind.value,
        amount=dollars(entry.amount),
        reserved=dollars(entry.reserved),
        units=entry.units,
        day=entry.day,
        job_id=entry.job_id,
        round=entry.round,
        key_id=entry.key_id,
        note=entry.note,
    )


def balance_view(balance: Balance) -> BalanceView:
    return BalanceView(
        available=dollars(balance.available), reserved=dollars(balance.reserved), spent=dollars(balance.spent)
    )


def spend_cap_view(key: ApiKey, balance: Balance) -> SpendCapView | None:
    """None for a key without a cap."""
    return _cap_view(key.spend_cap, balance.keys.get(key.purse_id, 0))


def account_cap_view(account: Account, balance: Balance) -> SpendCapView | None:
    """None for an account without a cap."""
    return _cap_view(account.spend_cap, balance.spent)


def _cap_view(cap: int | None, spent: int) -> SpendCapView | None:
    if cap is None:
        return None
    return SpendCapView(limit=dollars(cap), spent=dollars(spent), remaining=dollars(max(0, cap - spent)))
