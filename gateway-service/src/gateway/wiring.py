"""The one place of the gateway that names concrete adapters: everything is opened here, in one stack, and closed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.auth import Authenticator
from gateway.services.assets import AssetService
from gateway.services.events import EventStreams
from gateway.services.jobs import JobService
from gateway.services.models import Catalogue
from gateway.services.uploads import UploadService
from gateway.settings import GatewaySettings
from reelwork.broker.base import Broker
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.engine.engine import Engine
from reelwork.engine.intake import Intake
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.submit import LaneOpener
from reelwork.engine.sweep import Sweeper
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.health import Probe
from reelwork.runtime.tasks import running
from reelwork.store.client import open_database, ping
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that routes may ask for."""

    settings: GatewaySettings
    authenticator: Authenticator
    catalogue: Catalogue
    jobs: JobService
    uploads: UploadService
    assets: AssetService
    streams: EventStreams
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
        await objects.ensure_bucket()
        stores = Stores.of(database)
        engine = Engine(stores=stores, broker=broker, rules=settings.rules())
        opener, sweeper = LaneOpener(engine), Sweeper(stores, objects)
        intake = Intake(stores.jobs)
        await stack.enter_async_context(running(opener.run))
        await stack.enter_async_context(running(intake.run))
        await stack.enter_async_context(running(Reconciler(engine, sweeper).run))
        catalogue = Catalogue(stores.models)
        streams = EventStreams(
            stores.jobs,
            broker,
            life_seconds=settings.stream_seconds,
            per_account=settings.streams_per_account,
            closing=closing,
        )
        await stack.enter_async_context(running(streams.run))
        yield Gateway(
            settings=settings,
            authenticator=Authenticator(stores.accounts),
            catalogue=catalogue,
            jobs=JobService(engine, intake, opener, catalogue, max_attempts=settings.max_attempts),
            uploads=UploadService(
                stores.assets,
                objects,
                sweeper,
                limit_bytes=settings.upload_limit_bytes,
                limit_pixels=settings.pixel_limit,
            ),
            assets=AssetService(stores, objects, link_life=settings.link_life),
            streams=streams,
            probes={"mongodb": lambda: ping(database), "broker": broker.ping, "s3": objects.ping},
        )
