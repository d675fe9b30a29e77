"""Luma's videos: what its jobs made, and whatever other film is in the account."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from gateway.auth import Caller
from gateway.content import disposition_of
from gateway.deps import Assets, CanList, CanManage, CanRead, Jobs, Removal
from gateway.envelopes import luma_responses
from gateway.routes.jobs import MOST_PAGES
from gateway.routes.sources.luma_surface import TAG
from gateway.services.assets import AssetService
from gateway.services.jobs import JobService
from reelwork.contract.luma import VideoPage, VideoStatus, VideoStream, VideoView
from reelwork.contract.paging import Numbered
from reelwork.domain.asset import Asset, Purpose
from reelwork.domain.errors import AssetInUse, AssetNotFound, VideoNotFound
from reelwork.domain.ids import JobId
from reelwork.domain.job import Job
from reelwork.store.assets import AssetFilter
from reelwork.store.job_filter import JobFilter

LINK_LIFE = timedelta(hours=1)
_VIDEOS = AssetFilter(purpose=Purpose.OUTPUT, kind="video")
_RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:3": 4 / 3}
_TITLE_LENGTH = 50
_NEARLY = 0.02  # sides are whole, even pixels

router = APIRouter(prefix="/v1/videos", tags=[TAG], deprecated=True)


@router.get("", responses=luma_responses())
async def list_videos(
    caller: CanList,
    assets: Assets,
    jobs: Jobs,
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    per_page: Annotated[int, Query(ge=1, le=100)] = 20,
    status: Annotated[VideoStatus | None, Query(description="A video is there when it is `ready`.")] = None,
) -> VideoPage:
    """Your videos, newest first."""
    wanted = _VIDEOS if status in {None, "ready"} else AssetFilter(purpose=Purpose.INPUT, kind="none")
    found: Numbered[Asset] = await assets.numbered(caller, wanted, page=page, per_page=per_page)
    makers = await _makers(jobs, caller, [asset.job_id for asset in found.items if asset.job_id is not None])
    return VideoPage(items=[_view(asset, makers.get(asset.job_id or "")) for asset in found.items], meta=found.meta)


@router.get("/{video_id}", responses=luma_responses(VideoNotFound))
async def get_luma_video(video_id: str, caller: CanRead, assets: Assets, jobs: Jobs) -> VideoView:
    """One video."""
    asset = await _video(assets, caller, video_id)
    return _view(asset, await jobs.find(caller, asset.job_id) if asset.job_id is not None else None)


@router.get("/{video_id}/stream", responses=luma_responses(VideoNotFound))
async def stream_video(video_id: str, caller: CanRead, assets: Assets) -> VideoStream:
    """A signed address of the video, for an hour; it takes ranges."""
    asset = await _video(assets, caller, video_id)
    link = assets.link(asset, disposition_of(asset), life=LINK_LIFE)
    return VideoStream(video_id=asset.id, stream_url=link.url, expires_in=int(LINK_LIFE.total_seconds()))


@router.delete("/{video_id}", status_code=204, responses=luma_responses(VideoNotFound, AssetInUse))
async def delete_video(video_id: str, caller: CanManage, assets: Assets, removal: Removal) -> None:
    """Remove a video for good."""
    await removal.delete_asset(caller, (await _video(assets, caller, video_id)).id)


async def _video(assets: AssetService, caller: Caller, video_id: str) -> Asset:
    try:
        asset = await assets.get(caller, video_id)
    except AssetNotFound as error:
        raise _missing(video_id) from error
    if not asset.content_type.startswith("video/"):
        raise _missing(video_id)
    return asset


def _missing(video_id: str) -> VideoNotFound:
    return VideoNotFound(f"There is no video {video_id[:100]!r}.", hint="GET /v1/videos lists them.")


async def _makers(jobs: JobService, caller: Caller, ids: list[JobId]) -> dict[str, Job]:
    """The jobs that made them, as far as they are there."""
    if not ids:
        return {}
    found = await jobs.page(caller, JobFilter(ids=ids), everybodys=False, cursor=None, limit=len(ids))
    return {job.id: job for job in found.items}


def _view(asset: Asset, job: Job | None) -> VideoView:
    prompt = str(job.input.get("prompt", "")) if job is not None else ""
    sides = (asset.width, asset.height) if asset.width and asset.height else None
    return VideoView(
        id=asset.id,
        title=prompt[:_TITLE_LENGTH] or asset.filename,
        description=prompt,
        duration=asset.duration_seconds,
        resolution=f"{min(sides)}p" if sides is not None else None,
        aspect_ratio=_ratio(*sides) if sides is not None else None,
        style=job.metadata.get("style") if job is not None else None,
        status="ready",
        url=f"/v1/assets/{asset.id}/content",
        thumbnail_url=None,
        created_at=asset.created_at,
        owner_id=asset.account_id,
        job_id=asset.job_id,
    )


def _ratio(width: int, height: int) -> str:
    """By the name that Luma has for it, else in pixels."""
    for name, ratio in _RATIOS.items():
        if abs(width / height / ratio - 1) < _NEARLY:
            return name
    return f"{width}:{height}"
