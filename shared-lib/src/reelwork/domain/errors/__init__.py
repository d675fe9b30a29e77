"""What can go wrong, as the caller sees it. One class per code; the class decides status, code and title.

ReelworkError
├── InvalidRequest        400  invalid_request
│   └── InvalidCursor     400  invalid_cursor
├── AuthenticationError   401
│   ├── MissingCredentials     missing_credentials
│   └── InvalidApiKey          invalid_api_key
│       └── ExpiredToken       expired_token
├── PaymentRequired       402
│   ├── InsufficientCredits    insufficient_credits
│   ├── MaxCostExceeded        max_cost_exceeded
│   └── SpendCapReached        spend_cap_reached
├── AuthorizationError    403
│   ├── InsufficientTier       insufficient_tier
│   └── PermissionDenied       permission_denied
│       ├── ScopeMissing       scope_missing
│       └── AccountSuspended   account_suspended
├── NotFound              404  (job|task|video|batch|asset|upload|series|model|worker|account|key)_not_found,
│                              (queue|route|webhook|delivery)_not_found
├── MethodNotAllowed      405  method_not_allowed
├── InvalidState          409  invalid_state
├── IdempotencyInProgress 409  idempotency_in_progress
├── AssetInUse            409  asset_in_use
├── HashMismatch          409  hash_mismatch
├── SeriesExists          409  series_exists
├── ModelRetired          410  model_retired
├── VersionMismatch       412  version_mismatch
├── UploadTooLarge        413  upload_too_large
├── UnsupportedMediaType  415  unsupported_media_type
├── RangeNotSatisfiable   416  range_not_satisfiable
├── InvalidInput          422  invalid_input
│   └── ContentPolicyViolation content_policy_violation
├── IdempotencyKeyMismatch 422 idempotency_key_mismatch
├── UrlRefused            422  url_refused
├── RateLimitError        429
│   ├── RateLimited            rate_limited
│   ├── QuotaExceeded          quota_exceeded
│   ├── TooManyStreams         too_many_streams
│   └── TooManyUploads         too_many_uploads
├── HeadersTooLarge       431  headers_too_large
├── InternalError         500  internal_error
├── FetchFailed           502  fetch_failed
├── GenerationFailed      502  generation_failed
├── Unavailable           503  (store|storage|broker|model)_unavailable
├── GenerationTimeout     504  generation_timeout
└── NobodyAnswered        504  nobody_answered
"""

from reelwork.domain.errors.access import (
    AccountSuspended,
    AuthenticationError,
    AuthorizationError,
    ExpiredToken,
    InsufficientCredits,
    InsufficientTier,
    InvalidApiKey,
    MaxCostExceeded,
    MissingCredentials,
    PaymentRequired,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    RateLimitError,
    ScopeMissing,
    SpendCapReached,
    TooManyStreams,
    TooManyUploads,
)
from reelwork.domain.errors.base import (
    FieldError,
    ReelworkError,
    all_errors,
)
from reelwork.domain.errors.request import (
    AccountNotFound,
    AssetInUse,
    AssetNotFound,
    BatchNotFound,
    ContentPolicyViolation,
    DeliveryNotFound,
    HashMismatch,
    HeadersTooLarge,
    IdempotencyInProgress,
    IdempotencyKeyMismatch,
    InvalidCursor,
    InvalidInput,
    InvalidRequest,
    InvalidState,
    JobNotFound,
    KeyNotFound,
    MethodNotAllowed,
    ModelNotFound,
    ModelRetired,
    NotFound,
    QueueNotFound,
    RangeNotSatisfiable,
    RouteNotFound,
    SeriesExists,
    SeriesNotFound,
    TaskNotFound,
    UnsupportedMediaType,
    UploadNotFound,
    UploadTooLarge,
    UrlRefused,
    VersionMismatch,
    VideoNotFound,
    WebhookNotFound,
    WorkerNotFound,
)
from reelwork.domain.errors.trouble import (
    BrokerUnavailable,
    FetchFailed,
    GenerationFailed,
    GenerationTimeout,
    InternalError,
    ModelUnavailable,
    NobodyAnswered,
    StorageUnavailable,
    StoreUnavailable,
    Unavailable,
)

__all__ = [
    "AccountNotFound",
    "AccountSuspended",
    "AssetInUse",
    "AssetNotFound",
    "AuthenticationError",
    "AuthorizationError",
    "BatchNotFound",
    "BrokerUnavailable",
    "ContentPolicyViolation",
    "DeliveryNotFound",
    "ExpiredToken",
    "FetchFailed",
    "FieldError",
    "GenerationFailed",
    "GenerationTimeout",
    "HashMismatch",
    "HeadersTooLarge",
    "IdempotencyInProgress",
    "IdempotencyKeyMismatch",
    "InsufficientCredits",
    "InsufficientTier",
    "InternalError",
    "InvalidApiKey",
    "InvalidCursor",
    "InvalidInput",
    "InvalidRequest",
    "InvalidState",
    "JobNotFound",
    "KeyNotFound",
    "MaxCostExceeded",
    "MethodNotAllowed",
    "MissingCredentials",
    "ModelNotFound",
    "ModelRetired",
    "ModelUnavailable",
    "NobodyAnswered",
    "NotFound",
    "PaymentRequired",
    "PermissionDenied",
    "QueueNotFound",
    "QuotaExceeded",
    "RangeNotSatisfiable",
    "RateLimitError",
    "RateLimited",
    "ReelworkError",
    "RouteNotFound",
    "ScopeMissing",
    "SeriesExists",
    "SeriesNotFound",
    "SpendCapReached",
    "StorageUnavailable",
    "StoreUnavailable",
    "TaskNotFound",
    "TooManyStreams",
    "TooManyUploads",
    "Unavailable",
    "UnsupportedMediaType",
    "UploadNotFound",
    "UploadTooLarge",
    "UrlRefused",
    "VersionMismatch",
    "VideoNotFound",
    "WebhookNotFound",
    "WorkerNotFound",
    "all_errors",
]
