"""Uploads straight into the object store, which can be resumed; and assets that are known by their bytes."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from gateway.deps import Assets, CanResume, CanUpload, Direct
from gateway.headers import documented
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.upload_views import upload_view
from gateway.views import asset_view
from reelwork.contract.assets import AssetView
from reelwork.contract.uploads import (
    AssetFromHash,
    CompleteBody,
    DeduplicatedUpload,
    PartsBody,
    PartUrl,
    PartUrls,
    UploadBody,
    UploadView,
)
from reelwork.domain.asset import Asset
from reelwork.domain.errors import (
    AssetNotFound,
    HashMismatch,
    InvalidState,
    StorageUnavailable,
    TooManyUploads,
    UploadNotFound,
)

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)
hashes = APIRouter(prefix="/v1/assets", tags=["assets"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

# A check reads the file once: at some hundred MiB a second there is something new soon.
_ASK_AGAIN = {"Retry-After": "2"}


@router.post(
    "",
    status_code=201,
    response_model=UploadView,
    responses={
        200: {
            "description": "Nothing to send: these bytes were uploaded to your account before.",
            "model": DeduplicatedUpload,
        },
        201: {"description": "Where to send them.", "headers": documented({"Location": "The upload."})},
        **keyed_problems(*BODY_REFUSALS, StorageUnavailable, TooManyUploads),
    },
)
async def create_upload(body: UploadBody, caller: CanUpload, uploads: Direct) -> Response:
    """Begin an upload that does not pass through this API: signed addresses take exactly what you declare. The same
    declaration again finds the upload that is unfinished, and what was sent for it."""
    begun = await uploads.begin(caller.account.id, body)
    if isinstance(begun, Asset):
        known = DeduplicatedUpload(asset=asset_view(begun))
        return Response(known.model_dump_json(), media_type="application/json")
    location = {"Location": f"/v1/uploads/{begun.upload.id}"}
    return Response(upload_view(begun).model_dump_json(), 201, location, media_type="application/json")


@router.get("/{upload_id}", responses=keyed_problems(UploadNotFound, StorageUnavailable))
async def get_upload(upload_id: str, caller: CanResume, uploads: Direct) -> UploadView:
    """Which parts the object store has, and addresses for those that come next: all that resuming needs."""
    return upload_view(await uploads.get(caller.account.id, upload_id))


@router.post("/{upload_id}/parts", responses=keyed_problems(*BODY_REFUSALS, UploadNotFound, InvalidState))
async def sign_parts(upload_id: str, body: PartsBody, caller: CanResume, uploads: Direct) -> PartUrls:
    """Signed addresses for parts."""
    signed = await uploads.sign(caller.account.id, upload_id, body.parts)
    return PartUrls(parts=[PartUrl(n=n, url=url) for n, url in signed])


@router.post(
    "/{upload_id}/complete",
    response_model=AssetView,
    responses={
        200: {"description": "The asset."},
        202: {
            "description": "The bytes are still being checked: ask again.",
            "model": UploadView,
            "headers": documented({"Retry-After": "When, in seconds."}),
        },
        **keyed_problems(*BODY_REFUSALS, UploadNotFound, InvalidState, AssetNotFound, HashMismatch, StorageUnavailable),
    },
)
async def complete_upload(
    upload_id: str, caller: CanResume, uploads: Direct, body: Annotated[CompleteBody | None, Body()] = None
) -> Response:
    """Put the bytes together, check them against what was declared, and make them an asset. Safe to repeat."""
    done = await uploads.complete(caller.account.id, upload_id, body.parts if body is not None else None)
    if isinstance(done, Asset):
        location = {"Location": f"/v1/assets/{done.id}"}
        return Response(asset_view(done).model_dump_json(), headers=location, media_type="application/json")
    return Response(upload_view(done).model_dump_json(), 202, _ASK_AGAIN, media_type="application/json")


@router.delete("/{upload_id}", status_code=204, responses=keyed_problems(UploadNotFound, InvalidState))
async def abort_upload(upload_id: str, caller: CanResume, uploads: Direct) -> None:
    """Give an upload up, and what was sent for it; safe to repeat."""
    await uploads.abort(caller.account.id, upload_id)


@hashes.post("/from-hash", responses=keyed_problems(*BODY_REFUSALS, AssetNotFound))
async def asset_from_hash(body: AssetFromHash, caller: CanUpload, assets: Assets) -> AssetView:
    """The asset that you uploaded with these bytes, so that they need not be sent again. Other accounts' bytes are
    unknown here, and so is what jobs made: it goes with their data."""
    return asset_view(await assets.of_hash(caller, body.sha256))


@hashes.get("/by-hash/{sha256}", responses=keyed_problems(AssetNotFound))
async def find_asset_by_hash(
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Of the whole file, 64 hex digits.")],
    caller: CanResume,
    assets: Assets,
) -> AssetView:
    """Whether these bytes were uploaded to your account; HEAD answers without a body."""
    return asset_view(await assets.of_hash(caller, sha256))
