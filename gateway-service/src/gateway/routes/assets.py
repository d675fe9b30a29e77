"""Assets: files in, results out."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Header, Query, Response, UploadFile
from fastapi.responses import RedirectResponse

from gateway.content import content_response, disposition_of
from gateway.deps import Assets, CanList, CanManage, CanRead, CanUpload, Removal, Uploads, WholeGateway
from gateway.problems import keyed_problems
from gateway.routes.guarded import GuardedRoute
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.views import asset_view
from reelwork.contract.assets import AssetKind, AssetLink, AssetPage, AssetPatch, AssetView
from reelwork.domain.asset import Purpose
from reelwork.domain.errors import (
    AssetInUse,
    AssetNotFound,
    InvalidCursor,
    InvalidInput,
    RangeNotSatisfiable,
    StorageUnavailable,
    Unavailable,
    UnsupportedMediaType,
    UploadTooLarge,
)
from reelwork.store.assets import AssetFilter

# The form around the file: boundaries and part headers.
FORM_BYTES = 1024 * 1024
WHAT = (
    "At most 32 MiB: a picture (JPEG, PNG, GIF, WebP, AVIF), a film (MP4, QuickTime, WebM), or numbers "
    "(CSV, or JSON with a list of numbers or of rows of them). Larger films go by POST /v1/uploads."
)
_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}  # of whatever media type the asset is

router = APIRouter(prefix="/v1/assets", tags=["assets"])
changes = APIRouter(prefix="/v1/assets", tags=["assets"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)


def upload_router(limit_bytes: int) -> APIRouter:
    """The one route whose body is as large as the settings say; a limit on bodies is part of its route."""
    limited = APIRouter(prefix="/v1/assets", tags=["assets"], route_class=GuardedRoute)
    limited.post(
        "",
        status_code=201,
        max_body_size=limit_bytes + FORM_BYTES,
        form_limits={"max_files": 1, "max_fields": 4},
        responses=keyed_problems(UploadTooLarge, UnsupportedMediaType, InvalidInput, StorageUnavailable, Unavailable),
    )(upload_asset)
    return limited


async def upload_asset(
    file: Annotated[UploadFile, File(description=WHAT)],
    caller: CanUpload,
    uploads: Uploads,
    response: Response,
) -> AssetView:
    """Upload a file. What it is, is told by its bytes; name and declared type are not trusted."""
    asset = await uploads.upload(caller.account.id, file.file, file.filename or "")
    response.headers["Location"] = f"/v1/assets/{asset.id}"
    return asset_view(asset)


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_assets(
    caller: CanList,
    assets: Assets,
    purpose: Annotated[Literal["input", "output"] | None, Query()] = None,
    kind: Annotated[AssetKind | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AssetPage:
    """Your assets, newest first."""
    where = AssetFilter(purpose=Purpose(purpose) if purpose else None, kind=kind)
    page = await assets.page(caller, where, cursor=cursor, limit=limit)
    items = [asset_view(asset) for asset in page.items]
    return AssetPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


@router.get("/{asset_id}", responses=keyed_problems(AssetNotFound))
async def get_asset(asset_id: str, caller: CanRead, assets: Assets) -> AssetView:
    """One asset's metadata."""
    return asset_view(await assets.get(caller, asset_id))


@changes.patch("/{asset_id}", responses=keyed_problems(*BODY_REFUSALS, AssetNotFound))
async def edit_asset(asset_id: str, body: AssetPatch, caller: CanManage, assets: Assets) -> AssetView:
    """Say how long an asset is kept, from now on; or that it is kept."""
    return asset_view(await assets.keep(caller, asset_id, body.retention_seconds))


@router.delete("/{asset_id}", status_code=204, responses=keyed_problems(AssetNotFound, AssetInUse))
async def delete_asset(asset_id: str, caller: CanManage, removal: Removal) -> None:
    """Remove an asset for good, unless a job that has not ended names it. From here on nobody is served its bytes."""
    await removal.delete_asset(caller, asset_id)


@router.get(
    "/{asset_id}/content",
    response_class=Response,
    responses={
        200: {"description": "The bytes, or with `redirect=false` the address.", "model": AssetLink, "content": _BYTES},
        206: {"description": "A part of the bytes, as `Range` asked.", "content": _BYTES},
        302: {"description": "To a signed address that works for a few minutes."},
        **keyed_problems(AssetNotFound, RangeNotSatisfiable, StorageUnavailable),
    },
)
async def asset_content(
    asset_id: str,
    caller: CanRead,
    assets: Assets,
    gateway: WholeGateway,
    redirect: Annotated[bool | None, Query(description="false: answer the address as JSON.")] = None,
    proxy: Annotated[bool, Query(description="true: send the bytes through this address.")] = False,
    download: Annotated[bool, Query(description="true: ask browsers to save, not to show.")] = False,
    range: Annotated[str | None, Header()] = None,  # noqa: A002  (the header's name)
) -> Response:
    """The bytes: a redirect to S3, or streamed from here when asked to proxy."""
    asset = await assets.get(caller, asset_id)
    disposition = disposition_of(asset, download=download)
    if proxy or (redirect is None and gateway.settings.delivery == "proxy"):
        return await content_response(assets, asset, range_header=range, disposition=disposition)
    link = assets.link(asset, disposition)
    if redirect is False:
        return Response(link.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})
    return RedirectResponse(link.url, status_code=302, headers={"Cache-Control": "no-store"})
