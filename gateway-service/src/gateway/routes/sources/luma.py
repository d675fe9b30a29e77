"""Luma's enterprise API: videos from prompts, alone and in batches; pages to markdown; health.

Its jobs and its account have the addresses that Reelwork's own have, and are Reelwork's own.
"""

from datetime import UTC, datetime
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from gateway.deps import Answers, Batches, CanRead, CanSubmit, Jobs, RequestId, WholeGateway
from gateway.envelopes import luma_responses
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import SUBMIT_REFUSALS
from gateway.routes.sources.luma_surface import TAG
from gateway.services.dream_machine import DreamMachineModel
from gateway.services.idempotency import json_answer
from gateway.version import VERSION
from reelwork.contract.batches import BatchBody
from reelwork.contract.health import ComponentHealth
from reelwork.contract.jobs import JobBody, JobView
from reelwork.contract.luma import (
    DreamMachine,
    DreamMachines,
    GenerationBatch,
    GenerationBatchBody,
    GenerationBody,
    HealthComponent,
    LumaHealth,
    ScrapeBody,
    ScrapedPage,
)
from reelwork.domain.errors import (
    GenerationFailed,
    GenerationTimeout,
    ModelUnavailable,
    StorageUnavailable,
    UrlRefused,
)
from reelwork.domain.ids import JobId, new_job_id, new_request_id
from reelwork.runtime.health import check
from reelwork.store.idempotency import Ours, StoredAnswer

router = APIRouter(tags=[TAG], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute, deprecated=True)

_ESSENTIAL = ("mongodb", "s3")
# What Luma called what Reelwork has; the others have their own names.
_COMPONENTS = {"mongodb": "database", "limiter": "redis"}
_SUBMITTING: dict[int | str, dict[str, Any]] = {
    202: {"headers": REPLAYED},
    **luma_responses(*SUBMIT_REFUSALS, ModelUnavailable, *BODY_REFUSALS, *KEY_REFUSALS),
}


@router.post("/v1/generate", status_code=202, response_model=JobView, responses=_SUBMITTING)
async def generate_video(
    body: GenerationBody,
    caller: CanSubmit,
    jobs: Jobs,
    answers: Answers,
    gateway: WholeGateway,
    once: Once,
    request_id: RequestId,
) -> Response:
    """Make a video of a prompt."""

    async def act(ours: Ours) -> StoredAnswer:
        model = DreamMachineModel((await answers.model(gateway.settings.luma_model)).card)
        job = await jobs.submit_once(caller, model.job(body), request_id=request_id, ours=ours)
        return json_answer(202, await gateway.forecasts.view(job), {"Location": f"/v1/jobs/{job.id}"})

    return await once.answer(new_job_id, act)


@router.post("/v1/generate/batch", status_code=202, response_model=GenerationBatch, responses=_SUBMITTING)
async def generate_videos(
    body: GenerationBatchBody,
    caller: CanSubmit,
    batches: Batches,
    answers: Answers,
    gateway: WholeGateway,
    once: Once,
    request_id: RequestId,
) -> Response:
    """Make up to ten videos: all of them or none. For plans that have batches."""

    async def act(ours: Ours) -> StoredAnswer:
        model = DreamMachineModel((await answers.model(gateway.settings.luma_model)).card)
        items: list[JsonValue] = [one.model_dump(mode="json", exclude_unset=True) for one in model.jobs(body.requests)]
        made, _ = await batches.submit(
            caller, BatchBody(items=items), request_id=request_id, mark=ours.subject, first=ours.first
        )
        ids = [str(job_id) for job_id in made.batch.job_ids]
        return json_answer(202, GenerationBatch(job_ids=ids, total_queued=len(ids), batch_id=made.id), {})

    return await once.answer(new_request_id, act)


@router.get("/v1/generate/models", responses=luma_responses(ModelUnavailable))
async def list_dream_machines(
    caller: CanRead,  # noqa: ARG001  (the permission)
    answers: Answers,
    gateway: WholeGateway,
) -> DreamMachines:
    """What can be asked for, and what of it there is here."""
    model = DreamMachineModel((await answers.model(gateway.settings.luma_model)).card)
    return DreamMachines(models=[model.view(name) for name in get_args(DreamMachine)])


@router.post(
    "/v1/scrape/playwright",
    response_model=ScrapedPage,
    responses={
        200: {"headers": REPLAYED},
        **luma_responses(
            *SUBMIT_REFUSALS,
            *BODY_REFUSALS,
            *KEY_REFUSALS,
            *(UrlRefused, ModelUnavailable, GenerationFailed, GenerationTimeout, StorageUnavailable),
        ),
    },
)
async def scrape_page(
    body: ScrapeBody,
    caller: CanSubmit,
    answers: Answers,
    gateway: WholeGateway,
    request: Request,
    once: Once,
    request_id: RequestId,
) -> Response:
    """A page as markdown, without what is around it; answered within a minute."""
    wanted = JobBody(model=gateway.settings.luma_page_model, input={"url": body.url}, metadata={"source": "luma"})

    async def act(ours: Ours) -> StoredAnswer:
        job = await answers.completed(
            caller, wanted, request_id=request_id, gone=request.is_disconnected, job_id=JobId(ours.subject)
        )
        markdown = await answers.content(caller, job, "text/markdown")
        return json_answer(200, ScrapedPage(markdown=markdown.decode(), url=body.url, source="playwright"), {})

    return await once.answer(new_job_id, act)


@router.get("/health", responses={503: {"model": LumaHealth, "description": "Jobs cannot be accepted."}})
async def health(gateway: WholeGateway, response: Response) -> LumaHealth:
    """Whether jobs can be accepted, with the latency of each server."""
    found = await check(gateway.probes)
    down = {name for name, component in found.items() if component.status == "down"}
    if down.intersection(_ESSENTIAL):
        response.status_code = 503
    components = {_COMPONENTS.get(name, name): _component(component) for name, component in found.items()}
    return LumaHealth(
        status="unhealthy" if down.intersection(_ESSENTIAL) else "degraded" if down else "healthy",
        version=VERSION,
        components={"api": HealthComponent(status="healthy", latency_ms=0.0), **components},
        timestamp=datetime.now(UTC),
    )


def _component(found: ComponentHealth) -> HealthComponent:
    return HealthComponent(status="healthy" if found.status == "ok" else "unhealthy", latency_ms=found.latency_ms)
