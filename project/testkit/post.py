"""What carries webhooks, over a real database and to a real receiver. Time passes by writing the database."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.services.webhooks.herald import Herald
from gateway.services.webhooks.secrets import Secrets
from gateway.services.webhooks.sender import Sender
from reelwork.domain.ids import new_webhook_id
from reelwork.domain.job import Job, Output
from reelwork.domain.lane import LaneTerms
from reelwork.domain.webhook import DEFAULT_EVENTS, WAITS, Delivery, Webhook
from reelwork.engine.finish import complete
from reelwork.fetch import Fetcher, FetchRules
from reelwork.store.client import DatabaseClock
from reelwork.store.deliveries import DeliveryFilter
from testkit.forbidden_urls import PUBLIC
from testkit.internet import Names, Wire
from testkit.receiver import Receiver
from testkit.world import World, an_output

HOOK = "http://hooks.example.com/hook"
TLS = ssl.create_default_context()


@dataclass(frozen=True)
class Post:
    """A world, and what carries its webhooks."""

    world: World
    receiver: Receiver
    wire: Wire
    secrets: Secrets

    def sender(
        self, names: dict[str, list[list[str]]] | None = None, *, waits: Sequence[timedelta] = WAITS, at_once: int = 8
    ) -> Sender:
        known = names or {name: [[PUBLIC]] for name in ("hooks.example.com", "slow.example.com")}
        rules = FetchRules(plain_http=True, seconds=5, quiet_seconds=5)
        fetcher = Fetcher(rules, resolve=Names(known), network=self.wire, tls=TLS)
        clock = DatabaseClock(self.world.database)
        return Sender(self.world.stores, fetcher, self.secrets, clock, at_once=at_once, waits=waits)

    async def tell(self) -> int:
        return await Herald(self.world.stores, lambda: None).run_once()

    async def ended(self, of: LaneTerms, outputs: Sequence[Output] = (an_output(),), **fields: Any) -> Job:
        """A job that was submitted, run and completed. `fields`: a Job's own."""
        await self.world.submit(of, **fields)
        job = await self.world.run()
        await complete(self.world.engine, job, outputs, used=timedelta(seconds=1))
        return job

    async def listening(self, of: LaneTerms, **fields: Any) -> tuple[Webhook, str]:
        """An endpoint of the lane's account, and its secret. `fields`: a Webhook's own."""
        webhook_id = new_webhook_id()
        secret, text = self.secrets.new(webhook_id)
        defaults: dict[str, Any] = {"url": HOOK, "events": DEFAULT_EVENTS, "secrets": (secret,)}
        webhook = Webhook(id=webhook_id, account_id=of.account_id, created_at=datetime.now(UTC), **(defaults | fields))
        assert await self.world.stores.webhooks.add(webhook)
        return webhook, text

    async def deliveries(self, of: LaneTerms) -> list[Delivery]:
        return await self.world.stores.deliveries.page(of.account_id, DeliveryFilter(), before=None, limit=100)

    async def come_due(self) -> None:
        """Let every wait between two tries have passed."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        await self.world.database["deliveries"].update_many({"state": "pending"}, {"$set": {"next_at": past}})
