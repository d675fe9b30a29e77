"""How a model says that it did not succeed.

    GenerationError                 generation_failed
    ├── InvalidInput                invalid_input              names the field
    ├── ContentRejected             content_policy_violation
    ├── InsufficientCredit          insufficient_credit
    ├── OutOfResources              out_of_resources           another worker may have more
    ├── RateLimited                 rate_limited               retried
    ├── ProviderUnavailable         provider_unavailable       retried
    ├── ProviderRefused             provider_refused           another provider may do it
    └── SubmissionUnknown           submission_unknown         never retried: it may have been paid for

    Interruption (BaseException)    raised by the context, not by models
    ├── Cancelled                   cancelled_by_user
    └── TimeLimitExceeded           run_timeout

An interruption is a `BaseException`, so that a model's own `except Exception` cannot swallow it.
"""

from typing import ClassVar


class GenerationError(Exception):
    """The attempt failed. `str(error)` is shown to the user: what happened and what to do next.

    `retry_after` is the wait in seconds that the failing side asked for; 0.0 leaves the wait to the
    platform's retry policy, None says that trying again cannot help.
    """

    code: ClassVar[str] = "generation_failed"
    default_retry_after: ClassVar[float | None] = None

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = self.default_retry_after if retry_after is None else retry_after

    @property
    def retryable(self) -> bool:
        """True when another attempt with the same input may succeed."""
        return self.retry_after is not None


class InvalidInput(GenerationError):
    """The input cannot be used, now or later. `field` is the parameter's name, where one is to blame: the message then
    begins with it."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        named = not field or message.startswith(f"{field}: ")
        super().__init__(message if named else f"{field}: {message}")
        self.field = field or None


class ContentRejected(GenerationError):
    """A content policy (ours or a provider's) refuses this input or its result."""

    code = "content_policy_violation"


class InsufficientCredit(GenerationError):
    """The provider's account cannot pay for this."""

    code = "insufficient_credit"


class OutOfResources(GenerationError):
    """This machine lacks memory, disk or device time for this job; another one may have it."""

    code = "out_of_resources"
    default_retry_after = 0.0


class RateLimited(GenerationError):
    """The provider asks us to slow down; `retry_after` is its hint where it gave one."""

    code = "rate_limited"
    default_retry_after = 0.0


class ProviderUnavailable(GenerationError):
    """The provider did not answer, or answered with a fault of its own."""

    code = "provider_unavailable"
    default_retry_after = 0.0


class ProviderRefused(GenerationError):
    """The provider does not serve us: it refuses our key, or does not have the model any more."""

    code = "provider_refused"


class SubmissionUnknown(GenerationError):
    """A provider was asked to begin, and whether it did is not known. Asking again might be paid for twice."""

    code = "submission_unknown"


class Interruption(BaseException):
    """The platform stops a running model; models let it pass and only clean up."""

    code: ClassVar[str] = "interrupted"


class Cancelled(Interruption):
    """The job was cancelled; raised at the model's next `progress`, `check`, `track` or `fetch`."""

    code = "cancelled_by_user"


class TimeLimitExceeded(Interruption):
    """The model used up the run time that its resources or the job allow."""

    code = "run_timeout"

    def __init__(self, limit_seconds: float) -> None:
        super().__init__(f"The model did not finish within its time limit of {limit_seconds:g} s.")
        self.limit_seconds = limit_seconds
