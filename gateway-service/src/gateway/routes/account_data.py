"""An account's data, out and in."""

from typing import Annotated

from fastapi import APIRouter, File, Query, Response, UploadFile

from gateway.account_export import Export
from gateway.content import download
from gateway.deps import AccountData, CanManage
from gateway.once import KEY_REFUSALS, REPLAYED, OnceOfFile
from gateway.problems import keyed_problems
from gateway.routes.assets import FORM_BYTES
from gateway.routes.guarded import GuardedRoute
from gateway.services.account_import import Existing
from gateway.services.idempotency import json_answer
from reelwork.contract.account_data import AccountImport
from reelwork.domain.errors import (
    AccountNotFound,
    InvalidInput,
    SeriesExists,
    Unavailable,
    UnsupportedMediaType,
    UploadTooLarge,
)
from reelwork.domain.ids import new_request_id
from reelwork.store.idempotency import Ours, StoredAnswer

IMPORT_LIMIT_BYTES = 64 * 1024 * 1024

router = APIRouter(prefix="/v1/account", tags=["account"], route_class=GuardedRoute)


@router.get(
    "/export",
    response_class=Response,
    responses={
        200: {"description": "A ZIP; `manifest.json` is its last file.", "content": {"application/zip": {}}},
        **keyed_problems(AccountNotFound),
    },
)
async def export_account(caller: CanManage, exports: Export) -> Response:
    """All that is known of your account: jobs, batches, assets (without their bytes), series with their points,
    webhooks and keys (without secrets), ledger and usage. A download that breaks off was not complete: ask again."""
    return await download(exports.zip(caller), media_type="application/zip", filename=f"{caller.account.id}.zip")


@router.post(
    "/import",
    response_model=AccountImport,
    max_body_size=IMPORT_LIMIT_BYTES + FORM_BYTES,
    form_limits={"max_files": 1, "max_fields": 4},
    responses={
        200: {"description": "What was imported, and what was left out.", "headers": REPLAYED},
        **keyed_problems(
            *(AccountNotFound, SeriesExists, UploadTooLarge, UnsupportedMediaType, InvalidInput, Unavailable),
            *KEY_REFUSALS,
        ),
    },
)
async def import_account(
    file: Annotated[UploadFile, File(description="What `GET /v1/account/export` made, at most 64 MiB.")],
    caller: CanManage,
    imports: AccountData,
    once: OnceOfFile,
    existing: Annotated[
        Existing, Query(description="Where there is a series of the same name: `skip` leaves it as it is.")
    ] = "refuse",
) -> Response:
    """Take an export in: its series, under new ids, and its defaults for new jobs; all of it or nothing. Jobs, batches,
    assets, keys, webhooks and books stay with the account that they are about."""

    async def act(ours: Ours) -> StoredAnswer:
        taken = await imports.take(caller, file.file, existing=existing, subject=ours.subject)
        return json_answer(200, taken, {})

    return await once.answer(new_request_id, act)
