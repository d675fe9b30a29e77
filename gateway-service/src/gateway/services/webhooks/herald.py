"""From what happened to jobs to deliveries: each event once for each address, whoever dies on the way."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.services.webhooks import payload
from reelwork.domain.batch import Batch, Tally
from reelwork.domain.errors import ReelworkError
from reelwork.domain.ids import AccountId, DeliveryId, JobId, WebhookId, derived_uuid, encode
from reelwork.domain.job import JobWebhook
from reelwork.domain.webhook import Delivery, EventType, Webhook, told_as
from reelwork.store.stores import Stores
from reelwork.store.untold import UntoldJob

log = structlog.get_logger(__name__)

INTERVAL = timedelta(seconds=1)
LOOKED_AT = 200


class Herald:
    """Reads marked jobs, stores deliveries, then strikes the marks. A crash in between leads to the same deliveries
    again, under the same ids, which are there already."""

    def __init__(self, stores: Stores, wake: Callable[[], None]) -> None:
        """`wake`: called when there are new deliveries."""
        self._stores = stores
        self._wake = wake
        self._after: JobId | None = None

    async def run(self) -> None:
        """A pass about every second among all gateways, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311  (jitter)
            try:
                if await self._stores.pulses.take("webhooks", every=INTERVAL * 0.8):
                    while await self.run_once() and self._after is not None:
                        pass
            except ReelworkError as error:
                log.warning("webhooks.not_told", reason=error.detail)
            except Exception:
                # What one bad document does must not silence everybody's webhooks; the next pass tries again.
                log.exception("webhooks.failed")

    async def run_once(self) -> int:
        """Tell of up to `LOOKED_AT` jobs; how many deliveries that made."""
        jobs, self._after = await self._stores.untold.page(after=self._after, limit=LOOKED_AT)
        if not jobs:
            return 0
        listening: dict[AccountId, list[Webhook]] = defaultdict(list)
        for webhook in await self._stores.webhooks.enabled({job.job.account_id for job in jobs}):
            listening[webhook.account_id].append(webhook)
        made = [delivery for job in jobs for delivery in _of_job(job, listening[job.job.account_id])]
        made += await self._of_batches(jobs, listening)
        await self._stores.deliveries.add(made)
        await self._stores.untold.mark({job.job.id: len(job.job.events) for job in jobs})
        if made:
            self._wake()
        return len(made)

    async def _of_batches(
        self, jobs: Sequence[UntoldJob], listening: Mapping[AccountId, Sequence[Webhook]]
    ) -> list[Delivery]:
        """Of the batches that one of these jobs may have been the last of."""
        ended = {
            job.job.batch_id: job.job.account_id for job in jobs if job.job.status.is_terminal and job.job.batch_id
        }
        tallies = await self._stores.selection.tallies(list(ended)) if ended else {}
        made: list[Delivery] = []
        for batch_id, account in ended.items():
            batch, tally = await self._stores.batches.get(account, batch_id), tallies.get(batch_id)
            if batch is not None and tally is not None and tally.last_end is not None and tally.ended >= batch.size:
                made += _of_batch(batch, tally, tally.last_end, listening.get(account, ()))
        return made


def _of_job(untold: UntoldJob, listening: Sequence[Webhook]) -> Iterator[Delivery]:
    job = untold.job
    for event in untold.news:
        told = told_as(event.type)
        if told is None:
            continue
        event_id = f"evt_{encode(derived_uuid(event.at, job.id, str(event.seq)))}"
        targets = list(_targets(told, job.webhook, listening))
        body = payload.of_job(job, event, told) if targets else ""
        for webhook, url in targets:
            yield Delivery(
                id=_delivery_id(event.at, event_id, webhook),
                account_id=job.account_id,
                webhook_id=webhook,
                url=url,
                event_id=event_id,
                type=told.value,
                body=body,
                created_at=event.at,
                next_at=event.at,
                job_id=job.id,
                traceparent=job.traceparent,
            )


def _of_batch(batch: Batch, tally: Tally, at: datetime, listening: Sequence[Webhook]) -> Iterator[Delivery]:
    """Each time that its last job ends: jobs that are retried may let it end again."""
    event_id = f"evt_{encode(derived_uuid(at, batch.id))}"
    for webhook, url in _targets(EventType.BATCH_COMPLETED, batch.webhook, listening):
        yield Delivery(
            id=_delivery_id(at, event_id, webhook),
            account_id=batch.account_id,
            webhook_id=webhook,
            url=url,
            event_id=event_id,
            type=EventType.BATCH_COMPLETED.value,
            body=payload.of_batch(batch, tally, at),
            created_at=at,
            next_at=at,
        )


def _targets(
    told: EventType, own: JobWebhook | None, listening: Sequence[Webhook]
) -> Iterator[tuple[WebhookId | None, str]]:
    if own is not None and told in own.events:
        yield None, own.url
    for webhook in listening:
        if told in webhook.events:
            yield webhook.id, webhook.url


def _delivery_id(at: datetime, event_id: str, webhook: WebhookId | None) -> DeliveryId:
    return DeliveryId(f"dlv_{encode(derived_uuid(at, event_id, webhook or ''))}")
