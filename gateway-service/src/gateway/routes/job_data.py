"""The data of a job: input and files, apart from the record of it."""

from fastapi import APIRouter

from gateway.deps import CanManage, Removal
from gateway.problems import keyed_problems
from gateway.views import job_view
from reelwork.contract.jobs import JobView
from reelwork.domain.errors import InvalidState, JobNotFound

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.delete("/{job_id}/data", responses=keyed_problems(JobNotFound, InvalidState))
async def erase_job_data(job_id: str, caller: CanManage, removal: Removal) -> JobView:
    """Erase the input and the outputs of a job that has ended; safe to repeat. The record of the job stays.

    Files that another job of yours uses as well stay with that one.
    """
    return job_view(await removal.erase_job(caller, job_id))
