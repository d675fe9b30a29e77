"""HeyGen's video translation, as its simulation had it: an address of a video in, a status to ask after."""

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Response

from gateway.auth import Caller
from gateway.deps import Answers, Brought, CanRead, CanSubmit, Fetches, Jobs, RequestId, WholeGateway
from gateway.envelopes import heygen, source_problems
from gateway.meter import require_room
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import SUBMIT_REFUSALS
from gateway.services.idempotency import json_answer
from gateway.settings import GatewaySettings
from gateway.surfaces import Surface
from reelwork.contract.assets import AssetFromUrl
from reelwork.contract.jobs import JobBody
from reelwork.contract.sources import Detail, TranslationBody, TranslationStatus, TranslationView
from reelwork.domain.errors import (
    FetchFailed,
    JobNotFound,
    ModelUnavailable,
    StorageUnavailable,
    Unavailable,
    UrlRefused,
)
from reelwork.domain.ids import new_asset_id, new_job_id
from reelwork.domain.job import Job, Status
from reelwork.domain.rate import Rate
from reelwork.generator import ModelCard
from reelwork.store.idempotency import Ours, StoredAnswer

# As its clients know it: they wait for as long as `x-Retry-After` says.
STATUS_RATE = Rate(name="translation-status", amount=10, seconds=30)
SOURCE = "heygen"
_DELAY = "delay_seconds"  # the parameter of a model that takes as long as it is told

SURFACE = Surface(
    name="heygen",
    successors={"/translate/": "/v1/jobs", "/translate/status/{translation_id}": "/v1/jobs/{translation_id}"},
    envelope=heygen,
)
_STATUS: dict[Status, TranslationStatus] = {
    Status.COMPLETED: "completed",
    Status.FAILED: "error",
    Status.CANCELLED: "error",
    Status.EXPIRED: "error",
}

router = APIRouter(
    tags=["sources: video translation"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute, deprecated=True
)


async def _paced(caller: CanRead, gateway: WholeGateway) -> None:
    """Raises RateLimited for the eleventh look within thirty seconds."""
    require_room(await gateway.access.rates.limiter.take(STATUS_RATE, caller.account.id))


@router.post(
    "/translate/",
    response_model=TranslationView,
    responses={
        200: {"headers": REPLAYED},
        **source_problems(
            Detail,
            *SUBMIT_REFUSALS,
            *BODY_REFUSALS,
            *KEY_REFUSALS,
            *(UrlRefused, FetchFailed, ModelUnavailable, StorageUnavailable, Unavailable),
        ),
    },
)
async def translate_video(
    body: TranslationBody,
    caller: CanSubmit,
    fetches: Fetches,
    brought: Brought,
    answers: Answers,
    gateway: WholeGateway,
    once: Once,
    request_id: RequestId,
) -> Response:
    """Translate the video at an address."""

    async def act(ours: Ours) -> StoredAnswer:
        card = (await answers.model(gateway.settings.heygen_model)).card
        delay, values = _terms(card, gateway.settings)
        draft = JobBody(model=card.name, input=values, metadata={"source": SOURCE, "delay": str(delay)}, cache="off")
        job = await brought.submit(
            caller,
            draft,
            lambda: fetches.fetch_film(caller.account.id, AssetFromUrl(url=body.video_url), new_asset_id()),
            lambda video: draft.model_copy(update={"input": {"video": video.id, **values}}),
            ours=ours,
            request_id=request_id,
        )
        return json_answer(200, _view(job), {})

    return await once.answer(new_job_id, act)


@router.get(
    "/translate/status/{translation_id}",
    dependencies=[Depends(_paced)],
    responses=source_problems(Detail, JobNotFound),
)
async def translation_status(translation_id: str, caller: CanRead, jobs: Jobs) -> TranslationView:
    """How far it is: `pending`, `completed` or `error`. Ten times in thirty seconds at most."""
    return _view(await _translation(translation_id, caller, jobs))


async def _translation(translation_id: str, caller: Caller, jobs: Jobs) -> Job:
    job = await jobs.find(caller, translation_id)
    if job is None or job.metadata.get("source") != SOURCE:
        raise JobNotFound("Video not found")
    return job


def _terms(card: ModelCard, settings: GatewaySettings) -> tuple[int, dict[str, Any]]:
    """How long it is said to take, and what of the model's input says so: a simulation takes just as long."""
    schema: Mapping[str, Any] = card.input_schema  # JSON Schema
    if _DELAY not in schema.get("properties", {}):
        return round(card.seconds_hint), {}
    shortest, longest = sorted((settings.heygen_shortest_delay, settings.heygen_longest_delay))
    delay = shortest + secrets.randbelow(longest - shortest + 1)
    return delay, {_DELAY: delay}


def _view(job: Job) -> TranslationView:
    return TranslationView(
        id=job.id, status=_STATUS.get(job.status, "pending"), delay=int(job.metadata.get("delay", "0"))
    )
