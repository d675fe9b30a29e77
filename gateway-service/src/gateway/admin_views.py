"""From the domain's objects to what operators see of them."""

from collections.abc import Mapping

from gateway.views import PRIORITIES, job_view
from reelwork.contract.admin import AdminAccount, AdminJob, JobBrief, PlanView
from reelwork.domain.account import Account
from reelwork.domain.ids import AccountId
from reelwork.domain.job import Job
from reelwork.domain.tier import Plans


def account_view(account: Account, plans: Plans) -> AdminAccount:
    plan = plans[account.tier]
    return AdminAccount(
        id=account.id,
        name=account.name,
        tier=account.tier.value,
        weight=account.weight,
        suspended=account.suspended_at is not None,
        suspended_at=account.suspended_at,
        created_at=account.created_at,
        plan=PlanView(
            weight=account.weight or plan.weight,
            concurrent_jobs=plan.concurrent_jobs,
            requests_per_minute=plan.requests_per_minute,
            jobs_per_day=plan.jobs_per_day,
            max_duration_seconds=plan.max_duration_seconds,
            batch_items=plan.batch_items,
        ),
    )


def admin_job(job: Job, names: Mapping[AccountId, str]) -> AdminJob:
    return AdminJob(account_id=job.account_id, account=names.get(job.account_id), job=job_view(job))


def job_brief(job: Job, names: Mapping[AccountId, str]) -> JobBrief:
    return JobBrief(
        id=job.id,
        account_id=job.account_id,
        account=names.get(job.account_id),
        model=job.model,
        pool=job.pool,
        priority=PRIORITIES[job.priority],
        status=job.status.value,
        progress=job.progress.fraction,
        created_at=job.created_at,
        started_at=job.started_at,
    )
