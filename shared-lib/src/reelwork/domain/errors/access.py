"""Who may do what, and how much of it."""

from reelwork.domain.errors.base import ReelworkError


class AuthenticationError(ReelworkError):
    """It is not known who is asking."""

    status = 401


class MissingCredentials(AuthenticationError):
    code, title = "missing_credentials", "No API key was sent"
    source_codes = ("AUTH_MISSING_CREDENTIALS",)


class InvalidApiKey(AuthenticationError):
    code, title = "invalid_api_key", "The API key is not valid"
    source_codes = ("AUTH_INVALID_KEY",)


class ExpiredToken(InvalidApiKey):
    code, title = "expired_token", "The key or token has expired"
    source_codes = ("AUTH_TOKEN_EXPIRED",)


class PaymentRequired(ReelworkError):
    status, code, title = 402, "payment_required", "This would cost more than there is"


class InsufficientCredits(PaymentRequired):
    code, title = "insufficient_credits", "The account has too little credit"


class MaxCostExceeded(PaymentRequired):
    code, title = "max_cost_exceeded", "It would cost more than the request allows"


class SpendCapReached(PaymentRequired):
    code, title = "spend_cap_reached", "The spend cap is reached"


class AuthorizationError(ReelworkError):
    """It is known who is asking, and they may not."""

    status = 403


class InsufficientTier(AuthorizationError):
    code, title = "insufficient_tier", "Your plan does not include this"
    source_codes = ("AUTH_INSUFFICIENT_TIER",)


class PermissionDenied(AuthorizationError):
    code, title = "permission_denied", "The API key may not do this"
    source_codes = ("AUTH_PERMISSION_DENIED",)


class ScopeMissing(PermissionDenied):
    code, title = "scope_missing", "The API key lacks a scope"


class AccountSuspended(PermissionDenied):
    code, title = "account_suspended", "The account is suspended"


class RateLimitError(ReelworkError):
    """Too much at once, or in a day; it is possible again later."""

    status, retryable = 429, True


class RateLimited(RateLimitError):
    """More than `limit` requests in a window; in `retry_after_seconds` there is room for one."""

    code, title = "rate_limited", "Too many requests"
    source_codes = ("RATE_LIMIT_EXCEEDED",)

    def __init__(self, detail: str, *, hint: str, limit: int, retry_after_seconds: int) -> None:
        super().__init__(detail, hint=hint, retry_after_seconds=retry_after_seconds)
        self.limit = limit


class QuotaExceeded(RateLimitError):
    code, title = "quota_exceeded", "The daily quota is used up"
    source_codes = ("QUOTA_EXCEEDED",)


class TooManyStreams(RateLimitError):
    code, title = "too_many_streams", "Too many open event streams"


class TooManyUploads(RateLimitError):
    code, title = "too_many_uploads", "Too many unfinished uploads"
