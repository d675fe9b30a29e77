"""How routes refuse what would make work, beside what is wrong with the request itself."""

from reelwork.domain.errors import (
    ContentPolicyViolation,
    InsufficientCredits,
    InsufficientTier,
    MaxCostExceeded,
    QuotaExceeded,
    SpendCapReached,
)

# Whatever must be paid for.
PAYMENT_REFUSALS = (InsufficientCredits, SpendCapReached, QuotaExceeded)
# A new job.
SUBMIT_REFUSALS = (InsufficientTier, ContentPolicyViolation, MaxCostExceeded, *PAYMENT_REFUSALS)
