"""Webhooks on the wire: endpoints and deliveries. What is delivered is in `gateway/services/webhooks/payload.py`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reelwork.contract.base import JSON_MOMENT, JSON_NUMBER, Moment, Timestamp, Wire
from reelwork.contract.jobs import EventTypeName, WebhookUrl

DeliveryStateName = Literal["pending", "delivered", "dead"]
Events = Annotated[list[EventTypeName], Field(min_length=1, max_length=16)]
Description = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]

_SEVEN_DAYS = 7 * 86400
_EVENTS = "What to hear of, as `GET /v1/webhooks/event-types` lists it."


class WebhookBody(Wire):
    """A new endpoint. It hears of jobs that are submitted from now on."""

    url: WebhookUrl
    events: Annotated[Events | None, Field(description=f"{_EVENTS} Null: every end of a job, and of a batch.")] = None
    description: Description = ""
    enabled: bool = True


class WebhookChanges(Wire):
    """What to change of an endpoint; what is left out stays. Enabling one that we disabled lets it begin anew."""

    url: WebhookUrl | None = None
    events: Annotated[Events | None, Field(description=_EVENTS)] = None
    description: Description | None = None
    enabled: bool | None = None


class WebhookView(Wire):
    """An endpoint, without its secret. `disabled_reason`: why we disabled it. `failing_since`: when the first of the
    tries failed of which none has succeeded since."""

    id: str
    object: Literal["webhook"] = "webhook"
    url: str
    events: list[EventTypeName]
    description: str
    enabled: bool
    disabled_reason: str | None
    created_at: Timestamp
    last_delivered_at: Timestamp | None
    failing_since: Timestamp | None


class WebhookList(Wire):
    """All of them, newest first: an account has 20 at most."""

    items: list[WebhookView]


class NewWebhookView(WebhookView):
    """`secret` is shown in this answer and never again."""

    secret: Annotated[str, Field(description="`whsec_…`: verify deliveries with it.")]


class RotateSecretBody(Wire):
    """`overlap_seconds`: how long deliveries are signed with the old secret as well."""

    overlap_seconds: Annotated[int, Field(ge=0, le=_SEVEN_DAYS), JSON_NUMBER] = 86400


class SecretView(Wire):
    """What deliveries are signed with. `previous_expires_at`: until then the one before it signs as well."""

    secret: str
    created_at: Timestamp
    previous_expires_at: Timestamp | None


class EventTypeView(Wire):
    type: EventTypeName
    description: str
    default: Annotated[bool, Field(description="Whether it is heard of where no events are named.")]


class EventTypeList(Wire):
    items: list[EventTypeView]


class TryView(Wire):
    """One request. `status` null: no answer came, and `error` says why. `answer`: the first 2 kB of it."""

    at: Timestamp
    seconds: float
    status: int | None
    error: str | None
    answer: str


class DeliveryView(Wire):
    """One event on its way to one address. `event_id` is sent as `webhook-id` and is the same at every try."""

    id: str
    object: Literal["delivery"] = "delivery"
    webhook_id: str | None
    job_id: str | None
    url: str
    event_id: str
    type: str
    state: DeliveryStateName
    tries: int
    created_at: Timestamp
    next_try_at: Timestamp | None
    ended_at: Timestamp | None
    replay_of: str | None
    body: Annotated[str, Field(description="The very text that is sent and signed.")]
    log: list[TryView]


class DeliveryPage(Wire):
    items: list[DeliveryView]
    next_cursor: str | None
    has_more: bool


class RecoverBody(Wire):
    """Which deliveries to try again: those that were given up since this moment."""

    since: Annotated[Moment, JSON_MOMENT]


class RecoveredView(Wire):
    recovered: Annotated[int, Field(description="How many deliveries are tried again.")]
