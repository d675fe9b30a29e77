"""Webhooks as they are on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from gateway.services.pages import Page
from reelwork.contract.jobs import EventTypeName
from reelwork.contract.webhooks import (
    DeliveryPage,
    DeliveryView,
    EventTypeList,
    EventTypeView,
    SecretView,
    TryView,
    WebhookView,
)
from reelwork.domain.webhook import DEFAULT_EVENTS, MEANINGS, Delivery, DeliveryState, EventType, Secret, Try, Webhook


def webhook_view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        events=[_name(event) for event in webhook.events],
        description=webhook.description,
        enabled=webhook.enabled,
        disabled_reason=webhook.disabled_reason,
        created_at=webhook.created_at,
        last_delivered_at=webhook.last_delivered_at,
        failing_since=webhook.failing_since,
    )


def secret_view(secrets: Sequence[Secret], text: str, previous_expires_at: datetime | None) -> SecretView:
    """`text` is that of the first."""
    return SecretView(secret=text, created_at=secrets[0].created_at, previous_expires_at=previous_expires_at)


def delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        webhook_id=delivery.webhook_id,
        job_id=delivery.job_id,
        url=delivery.url,
        event_id=delivery.event_id,
        type=delivery.type,
        state=delivery.state.value,
        tries=delivery.tries,
        created_at=delivery.created_at,
        next_try_at=delivery.next_at if delivery.state is DeliveryState.PENDING else None,
        ended_at=delivery.ended_at,
        replay_of=delivery.replay_of,
        body=delivery.body,
        log=[_try_view(one) for one in delivery.log],
    )


def delivery_page(page: Page[Delivery]) -> DeliveryPage:
    items = [delivery_view(delivery) for delivery in page.items]
    return DeliveryPage(items=items, next_cursor=page.next_cursor, has_more=page.next_cursor is not None)


def event_types() -> EventTypeList:
    return EventTypeList(
        items=[
            EventTypeView(type=_name(event), description=MEANINGS[event], default=event in DEFAULT_EVENTS)
            for event in EventType
        ]
    )


def _try_view(one: Try) -> TryView:
    return TryView(at=one.at, seconds=one.seconds, status=one.status, error=one.error, answer=one.answer)


def _name(event: str) -> EventTypeName:
    """Only names that were checked are stored."""
    return cast("EventTypeName", str(event))
