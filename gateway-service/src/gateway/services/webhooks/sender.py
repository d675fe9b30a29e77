"""Deliveries on their way: claimed, sent once, and settled by what was answered. No receiver holds up another one."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from opentelemetry.trace import SpanKind

from gateway.services.webhooks.secrets import Secrets, SecretUnreadable
from reelwork.domain.errors import FetchFailed, ReelworkError, StoreUnavailable, UrlRefused
from reelwork.domain.ids import AccountId
from reelwork.domain.webhook import MOST_ANSWER_BYTES, WAITS, Again, Dead, Delivered, Delivery, Secret, Try, judge
from reelwork.fetch import Fetcher, Question, Reply, asked_wait
from reelwork.store.client import DatabaseClock
from reelwork.store.deliveries import ClaimedDelivery
from reelwork.store.stores import Stores
from reelwork.store.webhooks import good
from reelwork.tracing import mark_failed, span, traceparent

log = structlog.get_logger(__name__)

# How long a receiver may take for one delivery, all in all.
DEADLINE_SECONDS = 15.0
# After it a delivery that was claimed is anybody's: its sender died. Longer than the deadline and the writes around it.
LEASE = timedelta(seconds=60)
LOOK_SECONDS = 1.0
# Of all that are sent at once by one gateway: so a slow receiver, or an account full of them, leaves room for others.
ACCOUNT_SHARE = 4
URL_SHARE = 8
_RETIRED = Dead()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Address:
    """Where to, and signed with what: `owner` is whom the secrets are bound to."""

    url: str
    owner: str
    secrets: Sequence[Secret]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`reply` None: there was no answer, and `error` says why."""

    reply: Reply | None
    error: str | None = None


class Sender:
    """Sends what is due, up to `at_once` deliveries at the same time."""

    def __init__(
        self,
        stores: Stores,
        fetcher: Fetcher,
        secrets: Secrets,
        clock: DatabaseClock,
        *,
        at_once: int,
        waits: Sequence[timedelta] = WAITS,
    ) -> None:
        self._stores = stores
        self._fetcher = fetcher
        self._secrets = secrets
        self._clock = clock
        self._at_once = at_once
        self._waits = waits
        self._sending: dict[asyncio.Task[None], Delivery] = {}
        self._last: AccountId | None = None  # whose turn it was
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; what is on its way then is tried again by whoever comes next."""
        try:
            while True:
                try:
                    await self._send_due()
                except StoreUnavailable as error:
                    log.warning("webhooks.not_sent", reason=error.detail)
                except Exception:
                    # One document that cannot be read must not silence the others: it comes again after its lease.
                    log.exception("webhooks.failed")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), LOOK_SECONDS)
                self._news.clear()
        finally:
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def send_all(self) -> None:
        """Send what is due now, and return when that is done. For tests of what comes after what."""
        while True:
            self._news.clear()
            await self._send_due()
            if not self._sending and not self._news.is_set():
                return
            await self._news.wait()  # also of what ended while the last claim left it out

    async def _send_due(self) -> None:
        while len(self._sending) < self._at_once:
            sending = self._sending.values()
            claimed = await self._stores.deliveries.claim(
                await self._clock.now(),
                lease=LEASE,
                after=self._last,
                without_accounts=_most(Counter(each.account_id for each in sending), self._at_once // ACCOUNT_SHARE),
                without_urls=_most(Counter(each.url for each in sending), self._at_once // URL_SHARE),
            )
            if claimed is None:
                return
            self._last = claimed.delivery.account_id
            task = asyncio.create_task(self._send(claimed))
            self._sending[task] = claimed.delivery
            task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task)
        self._news.set()  # there is room, and others may have been left out for its sake

    async def _send(self, claimed: ClaimedDelivery) -> None:
        try:
            await self._deliver(claimed)
        except ReelworkError as error:
            log.warning("delivery.not_settled", delivery_id=claimed.delivery.id, reason=error.detail)
        except Exception:
            # One delivery that cannot be handled must not end the sender; it is tried again after its lease.
            log.exception("delivery.failed", delivery_id=claimed.delivery.id)

    async def _deliver(self, claimed: ClaimedDelivery) -> None:
        delivery = claimed.delivery
        address = await self._address(delivery)
        if address is None:
            await self._stores.deliveries.settle(claimed, None, _RETIRED)
            return
        began, at = time.monotonic(), datetime.now(UTC)
        outcome = await self._traced(delivery, address, at)
        tried = _tried(outcome, at, time.monotonic() - began)
        verdict = judge(
            tried.status,
            delivery.tries + 1,
            asked=asked_wait(outcome.reply.retry_after, now=at) if outcome.reply is not None else None,
            chance=random.random(),  # noqa: S311  (jitter)
            waits=self._waits[:1] if delivery.once else self._waits,
        )
        if await self._stores.deliveries.settle(claimed, tried, verdict):
            log.info("delivery.tried", delivery_id=delivery.id, status=tried.status, verdict=type(verdict).__name__)
            await self._note(delivery, verdict)

    async def _address(self, delivery: Delivery) -> _Address | None:
        """As it is now; None if its endpoint is gone or disabled."""
        now = await self._clock.now()
        if delivery.webhook_id is None:
            new, _ = self._secrets.new(delivery.account_id)
            secrets = await self._stores.webhooks.secrets(delivery.account_id, new)
            return _Address(delivery.url, delivery.account_id, good(secrets, now))
        webhook = await self._stores.webhooks.get(delivery.account_id, delivery.webhook_id)
        if webhook is None or not webhook.enabled:
            return None
        return _Address(webhook.url, webhook.id, good(webhook.secrets, now))

    async def _traced(self, delivery: Delivery, address: _Address, at: datetime) -> _Outcome:
        what = {"delivery_id": delivery.id, "job_id": delivery.job_id, "event": delivery.type}
        with span("webhook.send", SpanKind.CLIENT, after=delivery.traceparent, **what) as current:
            outcome = await self._asked(delivery, address, at)
            if outcome.reply is None:
                mark_failed(current, "no_answer")
            elif not 200 <= outcome.reply.status < 300:
                mark_failed(current, str(outcome.reply.status))
            return outcome

    async def _asked(self, delivery: Delivery, address: _Address, at: datetime) -> _Outcome:
        try:
            signed = self._secrets.headers(
                address.secrets, address.owner, event_id=delivery.event_id, at=at, body=delivery.body
            )
            headers = {"Content-Type": "application/json", "User-Agent": "Reelwork-Webhooks/1", **signed, **_trace()}
            question = Question(method="POST", headers=headers, content=delivery.body.encode())
            return _Outcome(
                await self._fetcher.ask(address.url, question, keep_bytes=MOST_ANSWER_BYTES, cut=True, redirects=0)
            )
        except (UrlRefused, FetchFailed) as error:
            return _Outcome(None, error.detail)
        except SecretUnreadable:
            return _Outcome(None, "The signing secret cannot be read any more; rotate it.")

    async def _note(self, delivery: Delivery, verdict: Delivered | Again | Dead) -> None:
        """What that says of the endpoint; nothing if it was asked for by hand."""
        if delivery.webhook_id is None or delivery.once:
            return
        await self._stores.webhooks.note(delivery.webhook_id, delivered=isinstance(verdict, Delivered))
        if isinstance(verdict, Dead) and verdict.gone:
            reason = "The receiver answered 410: it is gone for good."
            if await self._stores.webhooks.disable(delivery.webhook_id, delivery.url, reason):
                log.warning("webhook.disabled", webhook_id=delivery.webhook_id)


def _most(counts: Counter[T], share: int) -> list[T]:
    """Those that have as many as they may."""
    return [one for one, count in counts.items() if count >= max(1, share)]


def _trace() -> dict[str, str]:
    """For receivers that trace as well."""
    present = traceparent()
    return {"traceparent": present} if present is not None else {}


def _tried(outcome: _Outcome, at: datetime, seconds: float) -> Try:
    reply = outcome.reply
    return Try(
        at=at,
        seconds=round(seconds, 3),
        status=reply.status if reply is not None else None,
        error=outcome.error,
        answer=reply.content.decode("utf-8", "replace").replace("\0", "") if reply is not None else "",
    )
