"""The one place of the gateway that names concrete adapters: everything is opened here, in one stack, and closed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from gateway.auth import Authenticator
from gateway.services.assets import AssetService
from gateway.services.batches import BatchService
from gateway.services.building import JobBuilder
from gateway.services.bulk import BulkService
from gateway.services.estimates import EstimateService
from gateway.services.events import EventStreams
from gateway.services.export import BatchExport
from gateway.services.forecasts import ForecastService
from gateway.services.idempotency import KeyedRequests
from gateway.services.inputs import InputChecker
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.queue import QueueService
from gateway.services.removal import RemovalService
from gateway.services.uploads import UploadService
from gateway.services.usage import UsageService
from gateway.services.waiting import Waiting
from gateway.services.workers import WorkerService
from gateway.settings import GatewaySettings
from reelwork.broker.base import Broker
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.broker.usage import InProcessUsageQueue
from reelwork.broker.usage_rabbitmq import RabbitMQUsageQueue
from reelwork.counters.usage import UsageCounter
from reelwork.engine.cache import ResultCache
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser
from reelwork.engine.intake import Intake
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.submit import LaneOpener
from reelwork.engine.sweep import Sweeper
from reelwork.engine.usage.deltas import DeltaSync
from reelwork.engine.usage.events import EventSync
from reelwork.engine.usage.sync import UsageMeter, UsageSync
from reelwork.objects.errors import ObjectStoreDown
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.health import Probe
from reelwork.runtime.tasks import running
from reelwork.store.client import DatabaseClock, open_database, ping
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)

# How long a start waits for S3, and how long between two tries after it.
BUCKET_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that routes may ask for."""

    settings: GatewaySettings
    authenticator: Authenticator
    catalogue: Catalogue
    jobs: JobService
    batches: BatchService
    bulk: BulkService
    exports: BatchExport
    uploads: UploadService
    assets: AssetService
    removal: RemovalService
    streams: EventStreams
    waiting: Waiting
    keyed: KeyedRequests
    queues: QueueService
    forecasts: ForecastService
    estimates: EstimateService
    workers: WorkerService
    usage: UsageService
    meter: UsageMeter
    probes: dict[str, Probe]


@asynccontextmanager
async def open_gateway(
    settings: GatewaySettings, *, broker: Broker | None = None, closing: Callable[[], bool] = lambda: False
) -> AsyncIterator[Gateway]:
    """A running gateway. `broker`: one that lives in this process, instead of the one at `broker_url`."""
    in_process = broker is not None
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo()))
        objects = await stack.enter_async_context(ObjectStore.open(settings.s3()))
        if broker is None:
            url, prefix = settings.broker_url.get_secret_value(), settings.broker_prefix
            broker = await stack.enter_async_context(RabbitMQBroker.open(url, prefix=prefix))
        await ensure_indexes(database)
        await stack.enter_async_context(_bucket_made(objects))
        stores = Stores.of(database)
        engine = Engine(stores=stores, broker=broker, rules=settings.rules())
        opener, sweeper = LaneOpener(engine), Sweeper(stores, objects, grace=settings.staged_grace)
        intake = Intake(stores.jobs)
        await stack.enter_async_context(running(opener.run))
        await stack.enter_async_context(running(intake.run))
        await stack.enter_async_context(running(Reconciler(engine, sweeper).run))
        usage = await stack.enter_async_context(_usage(settings, stores, in_process=in_process))
        meter = UsageMeter(stores, usage)
        stack.push_async_callback(meter.finish)
        await stack.enter_async_context(running(meter.run))
        clock = DatabaseClock(database)
        gateway = _gateway(settings, _Opened(engine, objects, sweeper, clock, intake, opener, usage, meter), closing)
        await stack.enter_async_context(running(gateway.streams.run))
        yield gateway


@dataclass(frozen=True, slots=True)
class _Opened:
    """What services are made of."""

    engine: Engine
    objects: ObjectStore
    sweeper: Sweeper
    clock: DatabaseClock
    intake: Intake
    opener: LaneOpener
    usage: UsageSync
    meter: UsageMeter


def _gateway(settings: GatewaySettings, opened: _Opened, closing: Callable[[], bool]) -> Gateway:
    engine, objects, opener = opened.engine, opened.objects, opened.opener
    stores, broker = engine.stores, engine.broker
    eraser = Eraser(stores, objects)
    catalogue, forecasts = Catalogue(stores.models), ForecastService(stores)
    assets = AssetService(stores, objects, link_life=settings.link_life)
    builder = _builder(settings, catalogue, stores, opened.clock)
    return Gateway(
        settings=settings,
        authenticator=Authenticator(stores.accounts),
        catalogue=catalogue,
        jobs=JobService(engine, opened.intake, opener, builder),
        batches=BatchService(engine, opener, eraser, builder),
        bulk=BulkService(engine, opener, eraser),
        exports=BatchExport(stores, assets),
        uploads=UploadService(
            stores.assets,
            objects,
            opened.sweeper,
            limit_bytes=settings.upload_limit_bytes,
            limit_pixels=settings.pixel_limit,
        ),
        assets=assets,
        removal=RemovalService(engine, eraser, assets),
        streams=EventStreams(
            stores.jobs,
            broker,
            life_seconds=settings.stream_seconds,
            per_account=settings.streams_per_account,
            closing=closing,
        ),
        waiting=Waiting(stores.jobs, broker, per_account=settings.streams_per_account, closing=closing),
        keyed=KeyedRequests(stores.idempotency),
        queues=QueueService(engine, opener),
        forecasts=forecasts,
        estimates=EstimateService(stores, builder, forecasts),
        workers=WorkerService(stores.workers),
        usage=UsageService(stores, opened.usage),
        meter=opened.meter,
        probes={"mongodb": lambda: ping(stores.database), "broker": broker.ping, "s3": objects.ping},
    )


def _builder(settings: GatewaySettings, catalogue: Catalogue, stores: Stores, clock: DatabaseClock) -> JobBuilder:
    return JobBuilder(
        catalogue,
        InputChecker(stores.assets),
        clock,
        ResultCache(stores),
        max_attempts=settings.max_attempts,
        retention_seconds=settings.retention_seconds,
        plans=settings.plans(),
    )


@asynccontextmanager
async def _usage(settings: GatewaySettings, stores: Stores, *, in_process: bool) -> AsyncIterator[UsageSync]:
    """The way of counting usage that the settings say. `in_process`: there is no broker beside this process."""
    name, prefix = f"gw_{secrets.token_hex(8)}", settings.broker_prefix
    async with AsyncExitStack() as stack:
        if settings.usage_sync == "delta" and settings.redis_url is not None:
            url = settings.redis_url.get_secret_value()
            counter = await stack.enter_async_context(UsageCounter.open(url, prefix=prefix))
            yield DeltaSync(stores, counter, gateway=name)
            return
        url = settings.broker_url.get_secret_value()
        queue = (
            InProcessUsageQueue()
            if in_process
            else await stack.enter_async_context(RabbitMQUsageQueue.open(url, prefix=prefix))
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
