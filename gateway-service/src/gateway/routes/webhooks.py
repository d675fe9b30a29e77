"""Webhooks: endpoints that hear of your jobs, what was sent to them, and sending it again."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from gateway.deps import CanManage, Webhooks
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from gateway.routes.refusals import WEBHOOK_REFUSALS
from gateway.services.webhooks.endpoints import wanted
from gateway.webhook_views import delivery_page, delivery_view, event_types, secret_view, webhook_view
from reelwork.contract.webhooks import (
    DeliveryPage,
    DeliveryStateName,
    DeliveryView,
    EventTypeList,
    NewWebhookView,
    RecoverBody,
    RecoveredView,
    RotateSecretBody,
    SecretView,
    WebhookBody,
    WebhookChanges,
    WebhookList,
    WebhookView,
)
from reelwork.domain.errors import DeliveryNotFound, InvalidCursor, InvalidState, WebhookNotFound

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)

_NO_STORE = {"Cache-Control": "no-store"}
_State = Annotated[DeliveryStateName | None, Query(description="Leave it out for all.")]
_Cursor = Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before.")]
_Limit = Annotated[int, Query(ge=1, le=100)]
_Rotation = Annotated[RotateSecretBody | None, Body()]


@router.get("/event-types", responses=keyed_problems())
async def list_event_types(caller: CanManage) -> EventTypeList:  # noqa: ARG001  (who may manage may see)
    """What webhooks can hear of."""
    return event_types()


@router.get("/signing-secret", responses=keyed_problems(InvalidState))
async def get_signing_secret(caller: CanManage, webhooks: Webhooks, response: Response) -> SecretView:
    """What signs the webhooks that single jobs and batches bring along. Made when it is first asked for."""
    response.headers.update(_NO_STORE)
    secrets, text = await webhooks.signing_secret(caller)
    return secret_view(secrets, text, await webhooks.previous_expires_at(secrets))


@router.post("/signing-secret/rotate", responses=keyed_problems(*BODY_REFUSALS))
async def rotate_signing_secret(
    caller: CanManage, webhooks: Webhooks, response: Response, body: _Rotation = None
) -> SecretView:
    """Another signing secret; for `overlap_seconds` webhooks are signed with the old one as well."""
    response.headers.update(_NO_STORE)
    secrets, text = await webhooks.rotate_signing_secret(caller, overlap=_overlap(body))
    return secret_view(secrets, text, await webhooks.previous_expires_at(secrets))


@router.get("/deliveries", responses=keyed_problems(InvalidCursor))
async def list_all_deliveries(
    caller: CanManage,
    webhooks: Webhooks,
    job_id: Annotated[str | None, Query(max_length=64, description="Of one job alone.")] = None,
    state: _State = None,
    cursor: _Cursor = None,
    limit: _Limit = 20,
) -> DeliveryPage:
    """What was sent, or is to be, to any address, also to those that jobs brought along; newest first, for 30 days."""
    return delivery_page(
        await webhooks.deliveries(caller, wanted(job_id=job_id, state=state), cursor=cursor, limit=limit)
    )


@router.post(
    "/deliveries/{delivery_id}/replay",
    status_code=202,
    responses=keyed_problems(WebhookNotFound, DeliveryNotFound, InvalidState),
)
async def replay_any_delivery(delivery_id: str, caller: CanManage, webhooks: Webhooks) -> DeliveryView:
    """Send a delivery again, also one to an address that a job brought along: the same body under the same
    `webhook-id`, signed anew, once."""
    return delivery_view(await webhooks.replay(caller, delivery_id))


@router.get("", responses=keyed_problems())
async def list_webhooks(caller: CanManage, webhooks: Webhooks) -> WebhookList:
    """Your endpoints, newest first."""
    return WebhookList(items=[webhook_view(webhook) for webhook in await webhooks.all(caller)])


@router.post("", status_code=201, responses=keyed_problems(*BODY_REFUSALS, *WEBHOOK_REFUSALS, InvalidState))
async def create_webhook(
    body: WebhookBody, caller: CanManage, webhooks: Webhooks, response: Response
) -> NewWebhookView:
    """Make an endpoint. It hears of jobs that are submitted later than five seconds from now. Its secret is shown in
    this answer and never again."""
    webhook, secret = await webhooks.create(caller, body)
    response.headers.update({"Location": f"/v1/webhooks/{webhook.id}", **_NO_STORE})
    return NewWebhookView(**dict(webhook_view(webhook)), secret=secret)


@router.get("/{webhook_id}", responses=keyed_problems(WebhookNotFound))
async def get_webhook(webhook_id: str, caller: CanManage, webhooks: Webhooks) -> WebhookView:
    """One endpoint."""
    return webhook_view(await webhooks.get(caller, webhook_id))


@router.patch("/{webhook_id}", responses=keyed_problems(*BODY_REFUSALS, *WEBHOOK_REFUSALS, WebhookNotFound))
async def change_webhook(webhook_id: str, body: WebhookChanges, caller: CanManage, webhooks: Webhooks) -> WebhookView:
    """Change an endpoint. What waits for it goes to its new address."""
    return webhook_view(await webhooks.change(caller, webhook_id, body))


@router.delete("/{webhook_id}", status_code=204, responses=keyed_problems(WebhookNotFound))
async def delete_webhook(webhook_id: str, caller: CanManage, webhooks: Webhooks) -> None:
    """Remove an endpoint. What waits for it is not sent."""
    await webhooks.remove(caller, webhook_id)


@router.post("/{webhook_id}/rotate-secret", responses=keyed_problems(*BODY_REFUSALS, WebhookNotFound))
async def rotate_webhook_secret(
    webhook_id: str, caller: CanManage, webhooks: Webhooks, response: Response, body: _Rotation = None
) -> SecretView:
    """A new secret; for `overlap_seconds` deliveries carry a signature by the old one as well."""
    response.headers.update(_NO_STORE)
    secrets, text = await webhooks.rotate(caller, webhook_id, overlap=_overlap(body))
    return secret_view(secrets, text, await webhooks.previous_expires_at(secrets))


@router.post("/{webhook_id}/test", status_code=202, responses=keyed_problems(WebhookNotFound, InvalidState))
async def test_webhook(webhook_id: str, caller: CanManage, webhooks: Webhooks) -> DeliveryView:
    """Send a `webhook.test` to the endpoint, once; its delivery tells what came of it."""
    return delivery_view(await webhooks.test(caller, webhook_id))


@router.post(
    "/{webhook_id}/recover", status_code=202, responses=keyed_problems(*BODY_REFUSALS, WebhookNotFound, InvalidState)
)
async def recover_webhook(webhook_id: str, body: RecoverBody, caller: CanManage, webhooks: Webhooks) -> RecoveredView:
    """Try everything again that was given up since a moment."""
    return RecoveredView(recovered=await webhooks.recover(caller, webhook_id, since=body.since))


@router.get("/{webhook_id}/deliveries", responses=keyed_problems(WebhookNotFound, InvalidCursor))
async def list_deliveries(
    webhook_id: str,
    caller: CanManage,
    webhooks: Webhooks,
    state: _State = None,
    cursor: _Cursor = None,
    limit: _Limit = 20,
) -> DeliveryPage:
    """What was sent to one endpoint, or is to be; newest first, for 30 days."""
    where = wanted(webhook_id=webhook_id, state=state)
    return delivery_page(await webhooks.deliveries(caller, where, cursor=cursor, limit=limit))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    responses=keyed_problems(WebhookNotFound, DeliveryNotFound, InvalidState),
)
async def replay_delivery(webhook_id: str, delivery_id: str, caller: CanManage, webhooks: Webhooks) -> DeliveryView:
    """Send a delivery again: the same body under the same `webhook-id`, signed anew, once."""
    return delivery_view(await webhooks.replay(caller, delivery_id, webhook_id))


def _overlap(body: RotateSecretBody | None) -> timedelta:
    return timedelta(seconds=(body or RotateSecretBody()).overlap_seconds)
