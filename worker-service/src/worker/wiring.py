"""The one place of the worker that names concrete adapters: everything is opened here, in one stack, and closed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from reelwork.broker.base import Broker
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.engine.engine import Engine
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.sweep import Sweeper
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.tasks import running
from reelwork.store.client import open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores
from worker.catalogue import Models, find_models
from worker.runner import Runner, RunnerOptions
from worker.settings import WorkerSettings


@asynccontextmanager
async def open_runner(
    settings: WorkerSettings, *, broker: Broker | None = None, abandon: Callable[[], None] = lambda: None
) -> AsyncIterator[Runner]:
    """A runner on the running event loop, with its reconciler and its model cards.

    `broker`: one that lives in this process, instead of the one at `broker_url`. `abandon`: see RunnerOptions.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo()))
        objects = await stack.enter_async_context(ObjectStore.open(settings.s3()))
        if broker is None:
            url, prefix = settings.broker_url.get_secret_value(), settings.broker_prefix
            broker = await stack.enter_async_context(RabbitMQBroker.open(url, prefix=prefix))
        await ensure_indexes(database)
        stores = Stores.of(database)
        engine = Engine(stores=stores, broker=broker, rules=settings.rules())
        sweeper = Sweeper(stores, objects, grace=settings.staged_grace)
        models = Models(find_models(settings.modules), pool=settings.pool)
        await stack.enter_async_context(running(Reconciler(engine, sweeper).run))
        await stack.enter_async_context(running(partial(models.vouch, stores.models)))
        scratch = stack.enter_context(
            TemporaryDirectory(prefix="reelwork-", dir=settings.scratch_directory, ignore_cleanup_errors=True)
        )
        options = RunnerOptions(
            worker=settings.worker_name,
            scratch_directory=Path(scratch),
            grace=timedelta(seconds=settings.grace_seconds),
            abandon=abandon,
        )
        yield Runner(engine, models, objects, sweeper, options)
