"""What can go wrong, as the caller sees it. One class per code; the class decides status, code and title.

ReelworkError
├── InvalidRequest        400  invalid_request
│   └── InvalidCursor     400  invalid_cursor
├── MissingCredentials    401  missing_credentials
├── InvalidApiKey         401  invalid_api_key
│   └── ExpiredToken      401  expired_token
├── PaymentRequired       402
│   ├── InsufficientCredits    insufficient_credits
│   ├── MaxCostExceeded        max_cost_exceeded
│   └── SpendCapReached        spend_cap_reached
├── InsufficientTier      403  insufficient_tier
├── PermissionDenied      403  permission_denied
│   ├── ScopeMissing           scope_missing
│   └── AccountSuspended       account_suspended
├── NotFound              404  (job|task|video|batch|asset|model|worker|account|key|queue|route)_not_found
├── MethodNotAllowed      405  method_not_allowed
├── InvalidState          409  invalid_state
├── IdempotencyInProgress 409  idempotency_in_progress
├── AssetInUse            409  asset_in_use
├── VersionMismatch       412  version_mismatch
├── UploadTooLarge        413  upload_too_large
├── UnsupportedMediaType  415  unsupported_media_type
├── RangeNotSatisfiable   416  range_not_satisfiable
├── InvalidInput          422  invalid_input
├── IdempotencyKeyMismatch 422 idempotency_key_mismatch
├── UrlRefused            422  url_refused
├── RateLimited           429  rate_limited
├── QuotaExceeded         429  quota_exceeded
├── TooManyStreams        429  too_many_streams
├── HeadersTooLarge       431  headers_too_large
├── InternalError         500  internal_error
├── FetchFailed           502  fetch_failed
├── Unavailable           503  (store|storage|broker)_unavailable
└── NobodyAnswered        504  nobody_answered
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong value: a JSON pointer into the request (`#/input/duration_seconds`), a code and the cure."""

    pointer: str
    code: str
    detail: str


class ReelworkError(Exception):
    """An error that is answered to the caller as it stands: `detail` says what happened, `hint` what to do next."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False
    limit: int | None = None  # of the errors that are about one

    def __init__(
        self,
        detail: str,
        *,
        hint: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(ReelworkError):
    status, code, title = 400, "invalid_request", "The request cannot be read"


class InvalidCursor(InvalidRequest):
    code, title = "invalid_cursor", "The cursor is not one of ours"


class MissingCredentials(ReelworkError):
    status, code, title = 401, "missing_credentials", "No API key was sent"


class InvalidApiKey(ReelworkError):
    status, code, title = 401, "invalid_api_key", "The API key is not valid"


class ExpiredToken(InvalidApiKey):
    code, title = "expired_token", "The key or token has expired"


class PaymentRequired(ReelworkError):
    status, code, title = 402, "payment_required", "This would cost more than there is"


class InsufficientCredits(PaymentRequired):
    code, title = "insufficient_credits", "The account has too little credit"


class MaxCostExceeded(PaymentRequired):
    code, title = "max_cost_exceeded", "It would cost more than the request allows"


class SpendCapReached(PaymentRequired):
    code, title = "spend_cap_reached", "The spend cap is reached"


class InsufficientTier(ReelworkError):
    status, code, title = 403, "insufficient_tier", "Your plan does not include this"


class PermissionDenied(ReelworkError):
    status, code, title = 403, "permission_denied", "The API key may not do this"


class ScopeMissing(PermissionDenied):
    code, title = "scope_missing", "The API key lacks a scope"


class AccountSuspended(PermissionDenied):
    code, title = "account_suspended", "The account is suspended"


class NotFound(ReelworkError):
    status, code, title = 404, "not_found", "Not found"


class JobNotFound(NotFound):
    code, title = "job_not_found", "No such job"


class TaskNotFound(JobNotFound):
    code, title = "task_not_found", "No such task"


class VideoNotFound(JobNotFound):
    code, title = "video_not_found", "No such video"


class BatchNotFound(NotFound):
    code, title = "batch_not_found", "No such batch"


class AssetNotFound(NotFound):
    code, title = "asset_not_found", "No such asset"


class ModelNotFound(NotFound):
    code, title = "model_not_found", "No such model"


class WorkerNotFound(NotFound):
    code, title = "worker_not_found", "No such worker"


class AccountNotFound(NotFound):
    code, title = "account_not_found", "No such account"


class KeyNotFound(NotFound):
    code, title = "key_not_found", "No such API key"


class QueueNotFound(NotFound):
    code, title = "queue_not_found", "No such queue"


class RouteNotFound(NotFound):
    code, title = "route_not_found", "No such address"


class MethodNotAllowed(ReelworkError):
    status, code, title = 405, "method_not_allowed", "This address does not take that method"


class InvalidState(ReelworkError):
    status, code, title = 409, "invalid_state", "Not possible in the present state"


class IdempotencyInProgress(ReelworkError):
    status, code, title, retryable = 409, "idempotency_in_progress", "The first request is still under way", True


class AssetInUse(ReelworkError):
    status, code, title = 409, "asset_in_use", "A job needs the asset"


class VersionMismatch(ReelworkError):
    status, code, title = 412, "version_mismatch", "It was changed meanwhile"


class UploadTooLarge(ReelworkError):
    status, code, title = 413, "upload_too_large", "The upload is too large"


class UnsupportedMediaType(ReelworkError):
    status, code, title = 415, "unsupported_media_type", "This kind of content is not accepted"


class RangeNotSatisfiable(ReelworkError):
    """The wanted part begins behind the last of `size_bytes` bytes."""

    status, code, title = 416, "range_not_satisfiable", "The range lies outside of the content"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            f"There are {size_bytes} bytes; the range begins behind them.",
            hint="Ask for a part that is there, or leave Range out.",
        )
        self.size_bytes = size_bytes


class InvalidInput(ReelworkError):
    status, code, title = 422, "invalid_input", "The input is not valid"


class IdempotencyKeyMismatch(ReelworkError):
    status, code, title = 422, "idempotency_key_mismatch", "The idempotency key belongs to another request"


class UrlRefused(ReelworkError):
    status, code, title = 422, "url_refused", "This address is not fetched"


class RateLimited(ReelworkError):
    """More than `limit` requests in a window; in `retry_after_seconds` there is room for one."""

    status, code, title, retryable = 429, "rate_limited", "Too many requests", True

    def __init__(self, detail: str, *, hint: str, limit: int, retry_after_seconds: int) -> None:
        super().__init__(detail, hint=hint, retry_after_seconds=retry_after_seconds)
        self.limit = limit


class QuotaExceeded(ReelworkError):
    status, code, title, retryable = 429, "quota_exceeded", "The daily quota is used up", True


class TooManyStreams(ReelworkError):
    status, code, title, retryable = 429, "too_many_streams", "Too many open event streams", True


class HeadersTooLarge(ReelworkError):
    status, code, title = 431, "headers_too_large", "The headers are too large"


class FetchFailed(ReelworkError):
    status, code, title, retryable = 502, "fetch_failed", "The address could not be fetched", True


class InternalError(ReelworkError):
    """The last resort; its detail never carries the cause."""


class Unavailable(ReelworkError):
    status, code, title, retryable = 503, "unavailable", "Not available at the moment", True


class StoreUnavailable(Unavailable):
    code, title = "store_unavailable", "The job store does not answer"


class BrokerUnavailable(Unavailable):
    code, title = "broker_unavailable", "The broker does not answer"


class StorageUnavailable(Unavailable):
    code, title = "storage_unavailable", "The object storage does not answer"


class NobodyAnswered(ReelworkError):
    status, code, title, retryable = 504, "nobody_answered", "No worker answered in time", True


def all_errors() -> list[type[ReelworkError]]:
    """Every error class with a code of its own, sorted by status and code."""
    found: list[type[ReelworkError]] = []
    queue: list[type[ReelworkError]] = [ReelworkError]
    while queue:
        cls = queue.pop()
        queue.extend(cls.__subclasses__())
        if "code" in cls.__dict__ and cls is not ReelworkError:
            found.append(cls)
    return sorted(found, key=lambda cls: (cls.status, cls.code))
