"""How routes refuse what would make work, beside what is wrong with the request itself."""

from reelwork.domain.errors import (
    ContentPolicyViolation,
    FetchFailed,
    InsufficientCredits,
    InsufficientTier,
    MaxCostExceeded,
    QuotaExceeded,
    SpendCapReached,
    UrlRefused,
)

# Whatever must be paid for.
PAYMENT_REFUSALS = (InsufficientCredits, SpendCapReached, QuotaExceeded)
# An address to send webhooks to.
WEBHOOK_REFUSALS = (UrlRefused, FetchFailed)
# A new job.
SUBMIT_REFUSALS = (
    *(InsufficientTier, ContentPolicyViolation, MaxCostExceeded, *PAYMENT_REFUSALS),
    *WEBHOOK_REFUSALS,
)
