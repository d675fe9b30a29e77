"""What is wrong with a request, or with what it names."""

from typing import ClassVar

from reelwork.domain.errors.base import ReelworkError


class InvalidRequest(ReelworkError):
    status, code, title = 400, "invalid_request", "The request cannot be read"
    source_codes = ("VALIDATION_ERROR",)


class InvalidCursor(InvalidRequest):
    code, title = "invalid_cursor", "The cursor is not one of ours"


class NotFound(ReelworkError):
    status, code, title = 404, "not_found", "Not found"
    source_codes = ("RESOURCE_NOT_FOUND",)


class JobNotFound(NotFound):
    code, title = "job_not_found", "No such job"
    source_codes = ("JOB_NOT_FOUND",)


class TaskNotFound(JobNotFound):
    code, title = "task_not_found", "No such task"


class VideoNotFound(JobNotFound):
    code, title = "video_not_found", "No such video"
    source_codes = ("VIDEO_NOT_FOUND",)


class BatchNotFound(NotFound):
    code, title = "batch_not_found", "No such batch"


class AssetNotFound(NotFound):
    code, title = "asset_not_found", "No such asset"


class UploadNotFound(NotFound):
    code, title = "upload_not_found", "No such upload"


class SeriesNotFound(NotFound):
    code, title = "series_not_found", "No such series"


class ModelNotFound(NotFound):
    code, title = "model_not_found", "No such model"


class WorkerNotFound(NotFound):
    code, title = "worker_not_found", "No such worker"


class AccountNotFound(NotFound):
    code, title = "account_not_found", "No such account"


class KeyNotFound(NotFound):
    code, title = "key_not_found", "No such API key"


class WebhookNotFound(NotFound):
    code, title = "webhook_not_found", "No such webhook"


class DeliveryNotFound(NotFound):
    code, title = "delivery_not_found", "No such delivery"


class QueueNotFound(NotFound):
    code, title = "queue_not_found", "No such queue"


class RouteNotFound(NotFound):
    code, title = "route_not_found", "No such address"


class MethodNotAllowed(ReelworkError):
    status, code, title = 405, "method_not_allowed", "This address does not take that method"


class InvalidState(ReelworkError):
    status, code, title = 409, "invalid_state", "Not possible in the present state"
    source_codes = ("INVALID_STATE", "JOB_CANCELLED")


class IdempotencyInProgress(ReelworkError):
    status, code, title, retryable = 409, "idempotency_in_progress", "The first request is still under way", True


class SeriesExists(ReelworkError):
    status, code, title = 409, "series_exists", "There is a series of this name"


class AssetInUse(ReelworkError):
    status, code, title = 409, "asset_in_use", "A job needs the asset"


class ModelRetired(ReelworkError):
    status, code, title = 410, "model_retired", "The model takes no more jobs"


class HashMismatch(ReelworkError):
    status, code, title = 409, "hash_mismatch", "The bytes are not those that were declared"


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
    source_codes: ClassVar[tuple[str, ...]] = ("INVALID_PARAMETERS", "INVALID_PROMPT")


class ContentPolicyViolation(InvalidInput):
    code, title = "content_policy_violation", "The input is against this installation's policy"
    source_codes = ("CONTENT_POLICY_VIOLATION",)


class IdempotencyKeyMismatch(ReelworkError):
    status, code, title = 422, "idempotency_key_mismatch", "The idempotency key belongs to another request"


class UrlRefused(ReelworkError):
    status, code, title = 422, "url_refused", "This address is not fetched"


class HeadersTooLarge(ReelworkError):
    status, code, title = 431, "headers_too_large", "The headers are too large"
