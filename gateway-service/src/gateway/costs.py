"""Money, from the domain's whole numbers to the wire."""

from reelwork.contract.money import CostView, PricingView
from reelwork.domain.job import Job
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
