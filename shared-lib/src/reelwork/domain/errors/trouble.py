"""What is wrong on our side, or with a server behind us."""

from reelwork.domain.errors.base import ReelworkError


class FetchFailed(ReelworkError):
    status, code, title, retryable = 502, "fetch_failed", "The address could not be fetched", True


class InternalError(ReelworkError):
    """The last resort; its detail never carries the cause."""

    code, title = "internal_error", "Internal error"
    source_codes = ("INTERNAL_ERROR",)


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


class ModelUnavailable(Unavailable):
    code, title = "model_unavailable", "Nobody runs this model at the moment"
    source_codes = ("MODEL_UNAVAILABLE",)


class GenerationFailed(ReelworkError):
    """Of a job whose result the request was to answer."""

    status, code, title = 502, "generation_failed", "The job failed"
    source_codes = ("GENERATION_FAILED",)


class GenerationTimeout(ReelworkError):
    status, code, title, retryable = 504, "generation_timeout", "The job was not done in time", True
    source_codes = ("GENERATION_TIMEOUT",)
