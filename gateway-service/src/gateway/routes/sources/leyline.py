"""The LeyLine image-to-video API: a picture in, a task to ask after, a video out.

Tasks are jobs: a task's UUID is the one inside the job's id. Its status words and its numbers are the original's.
"""

import uuid
from pathlib import PurePosixPath
from typing import Annotated, Literal

from fastapi import APIRouter, File, Header, Response, UploadFile

from gateway.auth import Caller
from gateway.content import content_response, disposition_of
from gateway.deps import Assets, Brought, CanRead, CanSubmit, Jobs, Models, RequestId, Uploads
from gateway.once import KEY_REFUSALS, REPLAYED, OnceOfFile
from gateway.problems import keyed_problems, problems
from gateway.routes.assets import FORM_BYTES
from gateway.routes.guarded import GuardedRoute
from gateway.routes.refusals import SUBMIT_REFUSALS
from gateway.services.idempotency import json_answer
from gateway.services.inspection import PICTURES
from gateway.services.jobs import JobService
from gateway.surfaces import Surface
from reelwork.contract.base import Wire
from reelwork.contract.jobs import JobBody
from reelwork.domain.errors import (
    InvalidInput,
    InvalidRequest,
    JobNotFound,
    ModelNotFound,
    ModelRetired,
    RangeNotSatisfiable,
    StorageUnavailable,
    TaskNotFound,
    Unavailable,
    UnsupportedMediaType,
    UploadTooLarge,
    VideoNotFound,
)
from reelwork.domain.ids import decode, job_id_of, job_uuid, new_job_id
from reelwork.domain.job import Job, Status
from reelwork.store.idempotency import Ours, StoredAnswer

SURFACE = Surface(
    name="leyline",
    successors={
        "/api/v1/task": "/v1/jobs",
        "/api/v1/task/{task_id}": "/v1/jobs/{task_id}",
        "/api/v1/video/{task_id}": "/v1/jobs/{task_id}",
        "/api/v1/ping": "/healthz",
    },
)
router = APIRouter(prefix="/api/v1", tags=["sources: image to video"], deprecated=True)

# The best that is there: layered parallax, else a moving camera.
MODELS = ("builtin/parallax", "builtin/camera-move")

_EXTENSION = "extension"  # the metadata by which a task is known when its input is gone
TaskStatus = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]
_STATUS: dict[Status, TaskStatus] = {
    Status.PENDING: "PENDING",
    Status.QUEUED: "PENDING",
    Status.PROCESSING: "PROCESSING",
    Status.CANCELLING: "PROCESSING",
    Status.COMPLETED: "COMPLETED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "FAILED",
    Status.EXPIRED: "FAILED",
}


class TaskCreated(Wire):
    id: uuid.UUID


class TaskView(Wire):
    """`progress` is 0 to 100; `message` says why a task failed.

    `filename` names the uploaded picture; it is empty once the input is gone.
    """

    status: TaskStatus
    progress: int
    filename: str
    message: str | None


class Pong(Wire):
    message: Literal["pong"] = "pong"


@router.get("/ping", responses=problems(InvalidRequest))
async def ping() -> Pong:
    """The service is alive."""
    return Pong()


def upload_router(limit_bytes: int) -> APIRouter:
    """The route that takes a picture, with the limit of the settings; see `assets.upload_router`."""
    limited = APIRouter(prefix=router.prefix, tags=router.tags, route_class=GuardedRoute, deprecated=True)
    limited.post(
        "/task",
        response_model=TaskCreated,
        max_body_size=limit_bytes + FORM_BYTES,
        form_limits={"max_files": 1, "max_fields": 4},
        responses={
            200: {"headers": REPLAYED},
            **keyed_problems(
                *SUBMIT_REFUSALS,
                *KEY_REFUSALS,
                ModelNotFound,
                ModelRetired,
                UploadTooLarge,
                UnsupportedMediaType,
                InvalidInput,
                StorageUnavailable,
                Unavailable,
            ),
        },
    )(create_task)
    return limited


async def create_task(
    file: Annotated[UploadFile, File(description="The picture, at most 32 MiB.")],
    caller: CanSubmit,
    uploads: Uploads,
    models: Models,
    brought: Brought,
    once: OnceOfFile,
    request_id: RequestId,
) -> Response:
    """Turn a picture into a video. The same picture twice makes two tasks, but under one `Idempotency-Key`."""

    async def act(ours: Ours) -> StoredAnswer:
        draft = JobBody(model=(await models.first_available(*MODELS)).card.name, input={})
        await file.seek(0)  # a key was made from it
        job = await brought.submit(
            caller,
            draft,
            lambda: uploads.upload(caller.account.id, file.file, file.filename or "", takes=PICTURES),
            lambda picture: draft.model_copy(
                update={"input": {"image": picture.id}, "metadata": {_EXTENSION: _extension(picture.key)}}
            ),
            ours=ours,
            request_id=request_id,
        )
        return json_answer(200, TaskCreated(id=job_uuid(job.id)), {})

    return await once.answer(new_job_id, act)


@router.get("/task/{task_id}", responses=keyed_problems(TaskNotFound))
async def get_task(task_id: str, caller: CanRead, jobs: Jobs) -> TaskView:
    """How far a task is."""
    job = await _task(jobs, caller, task_id)
    picture = _picture(job)
    return TaskView(
        status=_STATUS[job.status],
        progress=100 if job.status is Status.COMPLETED else int(job.progress.fraction * 100),
        filename=f"/uploads/{picture}{job.metadata.get(_EXTENSION, '')}" if picture is not None else "",
        message=_message(job),
    )


@router.get(
    "/video/{task_id}",
    response_class=Response,
    responses={
        200: {"description": "The video, `video/mp4`."},
        206: {"description": "A part of it, as `Range` asked."},
        **keyed_problems(VideoNotFound, RangeNotSatisfiable, StorageUnavailable),
    },
)
async def get_video(
    task_id: str,
    caller: CanRead,
    jobs: Jobs,
    assets: Assets,
    range: Annotated[str | None, Header()] = None,  # noqa: A002  (the header's name)
) -> Response:
    """The finished video of a task, as an MP4 stream."""
    job = await _task(jobs, caller, task_id, VideoNotFound)
    videos = [output for output in job.outputs if output.content_type == "video/mp4"]
    if not videos:
        raise VideoNotFound(f"Task {task_id} has no video (yet).", hint=f"GET /api/v1/task/{task_id} tells its state.")
    asset = await assets.get(caller, videos[0].asset_id)
    return await content_response(assets, asset, range_header=range, disposition=disposition_of(asset))


async def _task(jobs: JobService, caller: Caller, task_id: str, missing: type[JobNotFound] = TaskNotFound) -> Job:
    """The job behind a task id. Only jobs that take a picture are tasks."""
    try:
        job = await jobs.get(caller, job_id_of(uuid.UUID(task_id)))
    except (ValueError, JobNotFound) as error:
        raise missing(f"There is no task {task_id[:100]!r}.", hint="Use the id that POST /api/v1/task gave.") from error
    if _picture(job) is None and not (job.inputs_removed and _EXTENSION in job.metadata):
        raise missing(f"There is no task {task_id[:100]!r}.", hint="Use the id that POST /api/v1/task gave.")
    return job


def _picture(job: Job) -> uuid.UUID | None:
    """The id of the picture that the job names, whether or not it is still there; None for a job without."""
    image = job.input.get("image")
    if not isinstance(image, str) or not image.startswith("asset_"):
        return None
    try:
        return decode(image.removeprefix("asset_"))
    except ValueError:
        return None


def _message(job: Job) -> str | None:
    if job.status is Status.CANCELLED:
        return "The task was cancelled."
    return job.error.message if job.error is not None and job.status.is_terminal else None


def _extension(key: str) -> str:
    return PurePosixPath(key).suffix
