"""The one place of the gateway that names concrete adapters: everything is opened here, in one stack, and closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from gateway.auth import Authenticator
from gateway.last_use import LastUse
from gateway.services.assets import AssetService
from gateway.services.audit import AuditService
from gateway.services.batches import BatchService
from gateway.services.building import JobBuilder
from gateway.services.bulk import BulkService
from gateway.services.estimates import EstimateService
from gateway.services.events import EventStreams
from gateway.services.export import BatchExport
from gateway.services.failed_logins import FailedLogins
from gateway.services.forecasts import ForecastService
from gateway.services.idempotency import KeyedRequests
from gateway.services.inputs import InputChecker
from gateway.services.jobs import JobService
from gateway.services.keys import KeyService
from gateway.services.models import Catalogue
from gateway.services.oauth import OAuthService
from gateway.services.operators import Operators
from gateway.services.queue import QueueService
from gateway.services.rates import RateLimits
from gateway.services.removal import RemovalService
from gateway.services.tickets import TicketService
from gateway.services.uploads import UploadService
from gateway.services.waiting import Waiting
from gateway.settings import GatewaySettings
from gateway.signing import Signer
from gateway.tokens import TokenVerifier
from reelwork.broker.base import Broker
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.counters.limiter import Limiter
from reelwork.counters.memory import MemoryWindows
from reelwork.counters.valkey import ValkeyWindows
from reelwork.counters.windows import Windows
from reelwork.engine.cache import ResultCache
from reelwork.engine.engine import Engine
from reelwork.engine.erase import Eraser
from reelwork.engine.intake import Intake
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.submit import LaneOpener
from reelwork.engine.sweep import Sweeper
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
    rates: RateLimits
    failed_logins: FailedLogins
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
    operators: Operators
    audit: AuditService
    keys: KeyService
    oauth: OAuthService
    tickets: TicketService
    probes: dict[str, Probe]


@asynccontextmanager
async def open_gateway(
    settings: GatewaySettings, *, broker: Broker | None = None, closing: Callable[[], bool] = lambda: False
) -> AsyncIterator[Gateway]:
    """A running gateway. `broker`: one that lives in this process, instead of the one at `broker_url`."""
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
        clock = DatabaseClock(database)
        last_use = LastUse(stores.keys)
        await stack.enter_async_context(running(last_use.run))
        limiter = await stack.enter_async_context(_limiter(settings))
        opened = _Opened(engine, objects, sweeper, clock, intake, opener, last_use, limiter)
        gateway = _gateway(settings, opened, closing)
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
    last_use: LastUse
    limiter: Limiter


def _gateway(settings: GatewaySettings, opened: _Opened, closing: Callable[[], bool]) -> Gateway:
    engine, objects, opener = opened.engine, opened.objects, opened.opener
    stores, broker = engine.stores, engine.broker
    eraser = Eraser(stores, objects)
    catalogue, forecasts = Catalogue(stores.models), ForecastService(stores)
    assets = AssetService(stores, objects, link_life=settings.link_life)
    builder, authenticator = _builder(settings, catalogue, stores, opened.clock), _authenticator(opened)
    jobs = JobService(engine, opened.intake, opener, builder)
    return Gateway(
        settings=settings,
        authenticator=authenticator,
        rates=RateLimits(opened.limiter, stores.accounts, settings.plans(), shared=settings.redis_url is not None),
        failed_logins=FailedLogins(opened.limiter, per_minute=settings.failed_logins_per_minute),
        catalogue=catalogue,
        jobs=jobs,
        batches=BatchService(engine, opener, eraser, builder),
        bulk=BulkService(engine, opener, eraser),
        exports=BatchExport(stores, assets),
        uploads=_uploads(settings, opened),
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
        operators=Operators.of(engine, authenticator, catalogue, jobs),
        audit=AuditService(stores.audit),
        keys=KeyService(stores, authenticator, opened.clock),
        oauth=OAuthService(authenticator, _signer(settings, stores), stores.signing_keys, opened.clock),
        tickets=TicketService(stores.stream_tickets, authenticator),
        probes={
            "mongodb": lambda: ping(stores.database),
            "broker": broker.ping,
            "s3": objects.ping,
            **({"limiter": opened.limiter.ping} if settings.redis_url is not None else {}),
        },
    )


def _uploads(settings: GatewaySettings, opened: _Opened) -> UploadService:
    return UploadService(
        opened.engine.stores.assets,
        opened.objects,
        opened.sweeper,
        limit_bytes=settings.upload_limit_bytes,
        limit_pixels=settings.pixel_limit,
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


def _authenticator(opened: _Opened) -> Authenticator:
    stores = opened.engine.stores
    return Authenticator(stores.accounts, opened.clock, TokenVerifier(stores.signing_keys), opened.last_use)


def _signer(settings: GatewaySettings, stores: Stores) -> Signer:
    secret = settings.signing_secret
    return Signer(stores.signing_keys, secret.get_secret_value() if secret is not None else None)


@asynccontextmanager
async def _limiter(settings: GatewaySettings) -> AsyncIterator[Limiter]:
    async with AsyncExitStack() as stack:
        windows: Windows = MemoryWindows()
        if settings.redis_url is not None:
            windows = await stack.enter_async_context(ValkeyWindows.open(settings.redis_url.get_secret_value()))
        limiter = Limiter(windows, patience=settings.limiter_patience_seconds)
        await stack.enter_async_context(running(limiter.run))
        yield limiter


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
