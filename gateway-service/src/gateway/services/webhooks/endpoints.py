"""Endpoints and deliveries, as their owners look after them. What changes an endpoint or a secret is in the audit log
before it is done."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.auth import Caller
from gateway.browser_policy import origin_of
from gateway.services.pages import Page, check_cursor
from gateway.services.webhooks import payload
from gateway.services.webhooks.hooks import Hooks
from gateway.services.webhooks.secrets import Secrets, SecretUnreadable
from reelwork.contract.webhooks import WebhookBody, WebhookChanges
from reelwork.domain.audit import Action
from reelwork.domain.errors import DeliveryNotFound, FieldError, InvalidInput, InvalidState, WebhookNotFound
from reelwork.domain.ids import DeliveryId, JobId, WebhookId, encode, new_delivery_id, new_webhook_id, uuid7
from reelwork.domain.webhook import (
    DEFAULT_EVENTS,
    MOST_WEBHOOKS,
    TEST,
    Delivery,
    DeliveryState,
    Secret,
    Webhook,
)
from reelwork.store.client import DatabaseClock
from reelwork.store.deliveries import DeliveryFilter
from reelwork.store.stores import Stores
from reelwork.store.webhooks import good
from reelwork.tracing import traceparent


class WebhookService:
    """The caller's account's endpoints. Foreign ids are answered like unknown ones."""

    def __init__(
        self, stores: Stores, hooks: Hooks, secrets: Secrets, clock: DatabaseClock, wake: Callable[[], None]
    ) -> None:
        """`wake`: called when there is something to send."""
        self._stores = stores
        self._hooks = hooks
        self._secrets = secrets
        self._clock = clock
        self._wake = wake

    async def all(self, caller: Caller) -> list[Webhook]:
        return await self._stores.webhooks.of_account(caller.account.id)

    async def get(self, caller: Caller, webhook_id: str) -> Webhook:
        """Raises WebhookNotFound."""
        found = await self._stores.webhooks.get(caller.account.id, WebhookId(webhook_id))
        if found is None:
            raise _not_found(webhook_id)
        return found

    async def create(self, caller: Caller, body: WebhookBody) -> tuple[Webhook, str]:
        """The endpoint and the text of its secret. Raises UrlRefused, FetchFailed, InvalidState."""
        await self._hooks.check(body.url, field="#/url")
        webhook_id = new_webhook_id()
        secret, text = self._secrets.new(webhook_id)
        webhook = Webhook(
            id=webhook_id,
            account_id=caller.account.id,
            url=body.url,
            events=tuple(dict.fromkeys(body.events or DEFAULT_EVENTS)),
            secrets=(secret,),
            created_at=datetime.now(UTC),
            description=body.description,
            enabled=body.enabled,
        )
        if len(await self.all(caller)) >= MOST_WEBHOOKS:
            raise _too_many()
        told = body.model_dump() | {"events": webhook.events}
        await self._record(caller, Action.WEBHOOK_CREATED, webhook_id, _described(told))
        if not await self._stores.webhooks.add(webhook):  # another request took the last place meanwhile
            raise _too_many()
        self._hooks.forget(caller.account.id)
        return webhook, text

    async def change(self, caller: Caller, webhook_id: str, body: WebhookChanges) -> Webhook:
        """The endpoint as it is now; without any field it stays, and nothing is recorded. Raises WebhookNotFound,
        InvalidInput, UrlRefused, FetchFailed."""
        fields = body.model_dump(exclude_unset=True)
        for name, value in fields.items():
            if value is None:
                raise _wrong(name, "required", "Send a value, or leave it out.")
        known = await self.get(caller, webhook_id)
        if not fields:
            return known
        if body.url is not None:
            await self._hooks.check(body.url, field="#/url")
        await self._record(caller, Action.WEBHOOK_CHANGED, webhook_id, _described(fields))
        if body.enabled is not None:
            fields["disabled_reason"] = None
        changed = await self._stores.webhooks.change(caller.account.id, WebhookId(webhook_id), fields)
        if changed is None:
            raise _not_found(webhook_id)
        self._hooks.forget(caller.account.id)
        return changed

    async def remove(self, caller: Caller, webhook_id: str) -> None:
        """What is on its way to it is not sent any more. Raises WebhookNotFound."""
        webhook = await self.get(caller, webhook_id)
        await self._record(caller, Action.WEBHOOK_REMOVED, webhook_id, {"address": origin_of(webhook.url)})
        if not await self._stores.webhooks.remove(caller.account.id, WebhookId(webhook_id)):
            raise _not_found(webhook_id)
        self._hooks.forget(caller.account.id)

    async def rotate(self, caller: Caller, webhook_id: str, *, overlap: timedelta) -> tuple[tuple[Secret, ...], str]:
        """The endpoint's secrets and the text of the new one. Raises WebhookNotFound."""
        await self.get(caller, webhook_id)
        await self._record(caller, Action.WEBHOOK_SECRET_ROTATED, webhook_id, _told_of(overlap))
        secret, text = self._secrets.new(webhook_id)
        changed = await self._stores.webhooks.rotate(caller.account.id, WebhookId(webhook_id), secret, overlap=overlap)
        if changed is None:
            raise _not_found(webhook_id)
        return changed.secrets, text

    async def signing_secret(self, caller: Caller) -> tuple[tuple[Secret, ...], str]:
        """The account's secrets and the text of the present one. Raises InvalidState."""
        account = caller.account.id
        new, _ = self._secrets.new(account)
        secrets = await self._stores.webhooks.secrets(account, new)
        try:
            return secrets, self._secrets.text(secrets[0], account)
        except SecretUnreadable as error:
            cure = "POST /v1/webhooks/signing-secret/rotate makes another one."
            raise InvalidState("The signing secret cannot be read any more.", hint=cure) from error

    async def rotate_signing_secret(self, caller: Caller, *, overlap: timedelta) -> tuple[tuple[Secret, ...], str]:
        account = caller.account.id
        await self._record(caller, Action.WEBHOOK_SIGNING_SECRET_ROTATED, account, _told_of(overlap))
        secret, text = self._secrets.new(account)
        return await self._stores.webhooks.rotate_secrets(account, secret, overlap=overlap), text

    async def previous_expires_at(self, secrets: tuple[Secret, ...]) -> datetime | None:
        """Until when the secret before the present one signs as well; None if it does not."""
        before = [secret.expires_at for secret in good(secrets, await self._clock.now())[1:]]
        return max((moment for moment in before if moment is not None), default=None)

    async def test(self, caller: Caller, webhook_id: str) -> Delivery:
        """Send a word to the endpoint, once. Raises WebhookNotFound, InvalidState."""
        webhook = await self._ready(caller, webhook_id)
        now = await self._clock.now()
        sent = Delivery(
            id=new_delivery_id(),
            account_id=webhook.account_id,
            webhook_id=webhook.id,
            url=webhook.url,
            event_id=f"evt_{encode(uuid7())}",
            type=TEST,
            body=payload.of_test(now, webhook.id),
            created_at=now,
            next_at=now,
            once=True,
            traceparent=traceparent(),
        )
        return await self._sent(sent)

    async def replay(self, caller: Caller, delivery_id: str, webhook_id: str | None = None) -> Delivery:
        """Send the same body again, once, signed anew: to the endpoint as it is now, or to the address that the job
        brought. `webhook_id`: only one of this endpoint. Raises WebhookNotFound, DeliveryNotFound, InvalidState."""
        webhook = await self._ready(caller, webhook_id) if webhook_id is not None else None
        wanted_of = webhook.id if webhook is not None else None
        known = await self._stores.deliveries.get(caller.account.id, DeliveryId(delivery_id), webhook=wanted_of)
        if known is None:
            raise _no_delivery(delivery_id)
        if webhook is None and known.webhook_id is not None:
            webhook = await self._ready(caller, known.webhook_id)
        now = await self._clock.now()
        again = Delivery(
            id=new_delivery_id(),
            account_id=known.account_id,
            webhook_id=known.webhook_id,
            url=webhook.url if webhook is not None else known.url,
            event_id=known.event_id,
            type=known.type,
            body=known.body,
            created_at=now,
            next_at=now,
            job_id=known.job_id,
            once=True,
            replay_of=known.id,
            traceparent=traceparent(),
        )
        return await self._sent(again)

    async def recover(self, caller: Caller, webhook_id: str, *, since: datetime) -> int:
        """Try again what was given up since then. Raises WebhookNotFound, InvalidState."""
        webhook = await self._ready(caller, webhook_id)
        recovered = await self._stores.deliveries.recover(caller.account.id, webhook.id, since=since)
        self._wake()
        return recovered

    async def deliveries(
        self, caller: Caller, where: DeliveryFilter, *, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        """Raises WebhookNotFound, InvalidCursor."""
        before = check_cursor(cursor, "dlv_")
        if where.webhook_id is not None:
            await self.get(caller, where.webhook_id)
        found = await self._stores.deliveries.page(
            caller.account.id, where, before=DeliveryId(before) if before else None, limit=limit + 1
        )
        return Page.cut(found, limit)

    async def _record(self, caller: Caller, action: Action, target: str, details: Mapping[str, str]) -> None:
        await self._stores.audit.record(caller.account.id, caller.actor, action, target, details)

    async def _ready(self, caller: Caller, webhook_id: str) -> Webhook:
        webhook = await self.get(caller, webhook_id)
        if not webhook.enabled:
            raise InvalidState("The webhook is disabled.", hint="Enable it first: PATCH it with enabled true.")
        return webhook

    async def _sent(self, delivery: Delivery) -> Delivery:
        await self._stores.deliveries.add([delivery])
        self._wake()
        return delivery


def wanted(*, webhook_id: str | None = None, job_id: str | None = None, state: str | None = None) -> DeliveryFilter:
    """A filter of what a caller wrote."""
    return DeliveryFilter(
        webhook_id=WebhookId(webhook_id) if webhook_id is not None else None,
        job_id=JobId(job_id) if job_id is not None else None,
        state=DeliveryState(state) if state is not None else None,
    )


def _described(fields: Mapping[str, Any]) -> dict[str, str]:
    """What the audit log says of these fields of an endpoint. `Any`: the fields' own types."""
    words = {name: str(value) for name, value in fields.items() if name in {"description", "url"}}
    if "url" in words:
        words["address"] = origin_of(words.pop("url"))  # the rest may hold a secret of the receiver's
    if "events" in fields:
        words["events"] = " ".join(fields["events"])
    if "enabled" in fields:
        words["enabled"] = "true" if fields["enabled"] else "false"
    return words


def _told_of(overlap: timedelta) -> dict[str, str]:
    return {"overlap_seconds": str(int(overlap.total_seconds()))}


def _too_many() -> InvalidState:
    cure = "Remove one that is not used."
    return InvalidState(f"The account has {MOST_WEBHOOKS} webhooks, which is the most.", hint=cure)


def _not_found(webhook_id: str) -> WebhookNotFound:
    return WebhookNotFound(
        f"There is no webhook {webhook_id[:100]!r} in your account.", hint="GET /v1/webhooks lists them."
    )


def _no_delivery(delivery_id: str) -> DeliveryNotFound:
    return DeliveryNotFound(
        f"There is no such delivery {delivery_id[:100]!r} of your account.",
        hint="GET /v1/webhooks/deliveries lists those of the last 30 days.",
    )


def _wrong(field: str, code: str, cure: str) -> InvalidInput:
    fault = FieldError(pointer=f"#/{field}", code=code, detail=cure)
    return InvalidInput(f"Not valid: {fault.pointer}.", hint=cure, errors=[fault])
