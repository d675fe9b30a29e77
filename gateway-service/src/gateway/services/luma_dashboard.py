"""The dashboard in Luma's names: queues by what they are called there, jobs with their users."""

from reelwork.contract.admin import Dashboard
from reelwork.contract.luma import ActiveJob, QueueLength

# Luma's names for the weights of its tiers; lanes of other weights are named by them.
_QUEUES = {10: "critical", 5: "high", 1: "normal"}


def queues(seen: Dashboard) -> dict[str, QueueLength]:
    """What waits in lanes of each weight, the heaviest first."""
    return {
        _QUEUES.get(line.weight, f"weight_{line.weight}"): QueueLength(
            weight=line.weight, length=line.length, jobs=[job.model_dump(mode="json") for job in line.jobs]
        )
        for line in seen.queues
    }


def active_jobs(seen: Dashboard) -> list[ActiveJob]:
    """The newest of the jobs that run."""
    return [
        ActiveJob(
            job_id=job.id,
            user_id=job.account_id,
            status=job.status,
            priority=job.priority,
            created_at=job.created_at,
            started_at=job.started_at,
            progress=job.progress,
        )
        for job in seen.active_jobs
    ]
