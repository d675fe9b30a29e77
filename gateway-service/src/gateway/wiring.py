"""The one place of the gateway that names concrete adapters: everything is opened here, in one stack, and closed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import structlog

from gateway.assembly import assemble
from gateway.last_use import LastUse
from gateway.parts import Gateway, Opened
from gateway.services.load_gauges import LoadGauges
from gateway.services.short_jobs import ShortJobs
from gateway.settings import GatewaySettings
from reelwork.broker.base import Broker
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.broker.usage import InProcessUsageQueue
from reelwork.broker.usage_rabbitmq import RabbitMQUsageQueue
from reelwork.counters.limiter import Limiter
from reelwork.counters.memory import MemoryWindows
from reelwork.counters.usage import UsageCounter
from reelwork.counters.valkey import ValkeyWindows
from reelwork.counters.windows import Windows
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.reserving import Reservations
from reelwork.engine.submit import LaneOpener
from reelwork.engine.sweep import Sweeper
from reelwork.engine.usage.deltas import DeltaSync
from reelwork.engine.usage.events import EventSync
from reelwork.engine.usage.sync import UsageMeter, UsageSync
from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.admin_port import admin_port
from reelwork.runtime.encryption import warn_of_plain_backends
from reelwork.runtime.tasks import running
from reelwork.store.client import DatabaseClock, open_database
from reelwork.store.migrations import Migrations
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# How long a start waits for S3, and how long between two tries after it.
BUCKET_SECONDS = 3.0


@asynccontextmanager
async def open_gateway(
    settings: GatewaySettings, *, broker: Broker | None = None, closing: Callable[[], bool] = lambda: False
) -> AsyncIterator[Gateway]:
    """A running gateway. `broker`: one that lives in this process, instead of the one at `broker_url`."""
    warn_of_plain_backends(settings)
    in_process = broker is not None
    async with AsyncExitStack() as stack:
        stack.enter_context(admin_port(settings.metrics_host, settings.metrics_port))
        database = await stack.enter_async_context(open_database(settings.mongo()))
        objects = await stack.enter_async_context(ObjectStore.open(settings.s3()))
        if broker is None:
            url, prefix = settings.broker_url.get_secret_value(), settings.broker_prefix
            broker = await stack.enter_async_context(RabbitMQBroker.open(url, prefix=prefix, tls=settings.tls()))
        await Migrations(database).up(secrets.token_hex(8))
        await stack.enter_async_context(_bucket_made(objects))
        stores = Stores.of(database)
        engine = Engine(stores=stores, broker=broker, rules=settings.rules())
        opener, sweeper = LaneOpener(engine), Sweeper(stores, objects, grace=settings.staged_grace)
        intake = Intake(stores.jobs)
        await stack.enter_async_context(running(opener.run))
        reservations = Reservations(stores)
        await stack.enter_async_context(running(intake.run))
        await stack.enter_async_context(running(reservations.run))
        await stack.enter_async_context(running(Reconciler(engine, sweeper).run))
        await stack.enter_async_context(running(partial(engine.outcomes.run, stores.statistics)))
        usage = await stack.enter_async_context(_usage(settings, stores, in_process=in_process))
        meter = UsageMeter(stores, usage)
        stack.push_async_callback(meter.finish)
        await stack.enter_async_context(running(meter.run))
        clock = DatabaseClock(database)
        last_use = LastUse(stores.keys)
        await stack.enter_async_context(running(last_use.run))
        limiter = await stack.enter_async_context(_limiter(settings))
        short = ShortJobs(engine, objects, sweeper, opener)
        stack.push_async_callback(short.finish)
        opened = Opened(
            engine, objects, sweeper, clock, intake, opener, last_use, limiter, reservations, usage, meter, short
        )
        gateway = assemble(settings, opened, closing)
        await stack.enter_async_context(running(gateway.streams.run))
        await stack.enter_async_context(running(gateway.completion.run))
        await stack.enter_async_context(running(gateway.webhooks.sender.run))
        await stack.enter_async_context(running(gateway.webhooks.herald.run))
        if settings.metrics_port is not None:
            await stack.enter_async_context(running(LoadGauges(gateway.operations.scaling).run))
        yield gateway


@asynccontextmanager
async def _limiter(settings: GatewaySettings) -> AsyncIterator[Limiter]:
    async with AsyncExitStack() as stack:
        windows: Windows = MemoryWindows()
        if settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            windows = await stack.enter_async_context(ValkeyWindows.open(url, settings.tls()))
        limiter = Limiter(windows, patience=settings.limiter_patience_seconds)
        await stack.enter_async_context(running(limiter.run))
        yield limiter


@asynccontextmanager
async def _usage(settings: GatewaySettings, stores: Stores, *, in_process: bool) -> AsyncIterator[UsageSync]:
    """The way of counting usage that the settings say. `in_process`: there is no broker beside this process."""
    name, prefix = f"gw_{secrets.token_hex(8)}", settings.broker_prefix
    async with AsyncExitStack() as stack:
        if settings.usage_sync == "delta" and settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            counter = await stack.enter_async_context(UsageCounter.open(url, prefix=prefix, tls=settings.tls()))
            yield DeltaSync(stores, counter, gateway=name)
            return
        url = settings.broker_url.get_secret_value()
        queue = (
            InProcessUsageQueue()
            if in_process
            else await stack.enter_async_context(RabbitMQUsageQueue.open(url, prefix=prefix, tls=settings.tls()))
        )
        sync = EventSync(stores, queue, gateway=name)
        await stack.enter_async_context(running(sync.receive))
        yield sync


@asynccontextmanager
async def _bucket_made(objects: ObjectStore) -> AsyncIterator[None]:
    """See to it that there is a bucket: at once, or as soon as S3 is back, since all but bytes is served without."""
    made = asyncio.Event()

    async def make() -> None:
        while not made.is_set():
            try:
                await objects.ensure_bucket()
            except ObjectStoreDown as error:
                log.warning("bucket.not_made", reason=str(error))
                await asyncio.sleep(BUCKET_SECONDS)
            else:
                made.set()

    async with running(make):
        with suppress(TimeoutError):
            await asyncio.wait_for(made.wait(), BUCKET_SECONDS)
        yield
