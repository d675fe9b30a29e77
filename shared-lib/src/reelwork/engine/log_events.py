"""What the log calls a job that took a status: names to search for, all of them in one place."""

from typing import Final

from reelwork.domain.job import Status

STATUS_EVENTS: Final[dict[Status, str]] = {
    Status.PENDING: "job.pending",
    Status.QUEUED: "job.queued",
    Status.PROCESSING: "job.processing",
    Status.CANCELLING: "job.cancelling",
    Status.COMPLETED: "job.completed",
    Status.FAILED: "job.failed",
    Status.CANCELLED: "job.cancelled",
    Status.EXPIRED: "job.expired",
}
