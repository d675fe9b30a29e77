"""Names that Luma's API had for what jobs say: for its clients, at the addresses that it had as well."""

from datetime import UTC, datetime

from reelwork.contract.jobs import JobView


def with_luma_names(view: JobView) -> JobView:
    """The job, with them. `estimated_wait`: how long until it is expected to start, ISO 8601."""
    queue = view.queue
    videos = [output.asset_id for output in view.outputs if output.content_type.startswith("video/")]
    return view.model_copy(
        update={
            "job_id": view.id,
            "queue_position": queue.position if queue is not None else None,
            "estimated_wait": _until(queue.starts_at.p50) if queue is not None and queue.starts_at else None,
            "video_id": videos[0] if videos else None,
        }
    )


def without_luma_names(view: JobView) -> JobView:
    """The job as it is: where Luma's surface is off."""
    return view


def _until(moment: datetime) -> str:
    """A duration as ISO 8601 has it, in whole seconds: `PT90S`."""
    return f"PT{max(0, round((moment - datetime.now(UTC)).total_seconds()))}S"
