"""How whatever makes jobs is refused for what they would cost or count."""

from reelwork.domain.errors import InsufficientCredits, QuotaExceeded, SpendCapReached

PAYMENT_REFUSALS = (InsufficientCredits, SpendCapReached, QuotaExceeded)
