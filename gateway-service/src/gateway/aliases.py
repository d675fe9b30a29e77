"""Names that Luma's API had for what jobs and accounts say: for its clients, at the addresses that it had as well."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypedDict

from reelwork.contract.queue import JobQueue
from reelwork.domain.account import Account
from reelwork.domain.job import Output


class LumaNames(TypedDict):
    """`estimated_wait`: how long until the job is expected to start, ISO 8601."""

    job_id: str
    queue_position: int | None
    estimated_wait: str | None
    video_id: str | None


def luma_names(job_id: str, queue: JobQueue | None, outputs: Iterable[Output]) -> LumaNames:
    """What a job says once more, under those names."""
    return LumaNames(
        job_id=job_id,
        queue_position=queue.position if queue is not None else None,
        estimated_wait=_until(queue.starts_at.p50) if queue is not None and queue.starts_at else None,
        video_id=next((output.asset_id for output in outputs if output.content_type.startswith("video/")), None),
    )


class LumaAccountNames(TypedDict):
    """`email`: Reelwork keeps none."""

    user_id: str
    email: None
    is_active: bool


def luma_account_names(account: Account) -> LumaAccountNames:
    """What an account says once more, under those names."""
    return LumaAccountNames(user_id=account.id, email=None, is_active=account.suspended_at is None)


def _until(moment: datetime) -> str:
    """A duration as ISO 8601 has it, in whole seconds: `PT90S`."""
    return f"PT{max(0, round((moment - datetime.now(UTC)).total_seconds()))}S"
