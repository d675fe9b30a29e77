"""Who wants to hear of a new job or batch: asked while it is submitted."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from reelwork.contract.jobs import JobWebhookBody
from reelwork.domain.ids import AccountId
from reelwork.domain.job import JobWebhook
from reelwork.domain.webhook import ENDS, EventType
from reelwork.fetch import Fetcher
from reelwork.store.webhooks import Webhooks

# How long an answer is good for: so soon the jobs of an account are told to a new endpoint, at every gateway.
GOOD_FOR_SECONDS = 5.0
# How long an address that was found to be public is not looked up again for the next job. It is at every delivery.
CHECKED_FOR_SECONDS = 60.0
_MOST_KNOWN = 10_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Hook:
    """`webhook`: the job's own. `heard`: it, or an endpoint of the account, may want to hear of it."""

    webhook: JobWebhook | None
    heard: bool


class Hooks:
    """Asks the store rarely, and forgets: memory is bounded."""

    def __init__(self, webhooks: Webhooks, fetcher: Fetcher) -> None:
        self._webhooks = webhooks
        self._fetcher = fetcher
        self._listens: OrderedDict[AccountId, tuple[float, bool]] = OrderedDict()
        self._checked: OrderedDict[str, float] = OrderedDict()

    async def of_job(self, account: AccountId, body: JobWebhookBody | None) -> Hook:
        """Raises UrlRefused, FetchFailed for an address that nothing could be sent to."""
        webhook = await self.own(body, default=tuple(ENDS))
        return Hook(webhook, webhook is not None or await self._is_heard(account))

    async def own(
        self, body: JobWebhookBody | None, *, default: tuple[EventType, ...] = (EventType.BATCH_COMPLETED,)
    ) -> JobWebhook | None:
        """What a job or batch brings along. Raises UrlRefused, FetchFailed."""
        if body is None:
            return None
        await self.check(body.url, field="#/webhook/url")
        return JobWebhook(url=body.url, events=tuple(dict.fromkeys(body.events or default)))

    async def check(self, url: str, *, field: str) -> None:
        """Raises UrlRefused, FetchFailed."""
        now = time.monotonic()
        if self._checked.get(url, -CHECKED_FOR_SECONDS) + CHECKED_FOR_SECONDS > now:
            return
        await self._fetcher.check(url, field=field)
        _remember(self._checked, url, now)

    def forget(self, account: AccountId) -> None:
        """Its endpoints have changed."""
        self._listens.pop(account, None)

    async def _is_heard(self, account: AccountId) -> bool:
        now = time.monotonic()
        asked, heard = self._listens.get(account, (-GOOD_FOR_SECONDS, False))
        if asked + GOOD_FOR_SECONDS <= now:
            heard = await self._webhooks.any_enabled(account)
            _remember(self._listens, account, (now, heard))
        return heard


def _remember(known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > _MOST_KNOWN:
        known.popitem(last=False)
