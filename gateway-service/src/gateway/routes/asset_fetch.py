"""Assets from addresses."""

from fastapi import APIRouter, Response

from gateway.deps import CanUpload, Fetches
from gateway.headers import documented
from gateway.once import KEY_REFUSALS, REPLAYED, Once
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.services.idempotency import json_answer
from gateway.views import asset_view
from reelwork.contract.assets import AssetFromUrl, AssetView
from reelwork.domain.errors import FetchFailed, StorageUnavailable, Unavailable, UrlRefused
from reelwork.domain.ids import AssetId, new_asset_id
from reelwork.store.idempotency import Ours, StoredAnswer

router = APIRouter(prefix="/v1/assets", tags=["assets"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_REFUSALS = (UrlRefused, FetchFailed, StorageUnavailable, Unavailable)


@router.post(
    "/from-url",
    status_code=201,
    response_model=AssetView,
    responses={
        201: {"description": "The asset.", "headers": documented({"Location": "The asset."}) | REPLAYED},
        **keyed_problems(*BODY_REFUSALS, *KEY_REFUSALS, *_REFUSALS),
    },
)
async def fetch_asset(body: AssetFromUrl, caller: CanUpload, fetches: Fetches, once: Once) -> Response:
    """Fetch a file from the web and keep it as if you had uploaded it: the same kinds and limit, told by its bytes."""

    async def act(ours: Ours) -> StoredAnswer:
        asset = await fetches.fetch(caller.account.id, body, AssetId(ours.subject), first=ours.first)
        return json_answer(201, asset_view(asset), {"Location": f"/v1/assets/{asset.id}"})

    return await once.answer(new_asset_id, act)
