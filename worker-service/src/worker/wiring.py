"""The one place of the worker that names concrete adapters: everything is opened here, in one stack, and closed."""

import platform
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from reelwork.broker.base import Broker
from reelwork.broker.probes import answer_probes
from reelwork.broker.rabbitmq import RabbitMQBroker
from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.worker import ModelOffered, WorkerCard
from reelwork.engine.engine import Engine
from reelwork.engine.reconcile import Reconciler
from reelwork.engine.sweep import Sweeper
from reelwork.fetch import Fetcher
from reelwork.objects.s3 import ObjectStore
from reelwork.runtime.encryption import warn_of_plain_backends
from reelwork.runtime.tasks import running
from reelwork.store.client import open_database
from reelwork.store.indexes import ensure_indexes
from reelwork.store.stores import Stores
from reelwork.store.workers import Workers
from worker.board import Board
from worker.catalogue import Models, find_models
from worker.membership import Membership
from worker.results import Results
from worker.runner import Runner, RunnerOptions
from worker.settings import WorkerSettings
from worker.turn import Outside
from worker.workroom import own_folder, remove_leftovers

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_runner(
    settings: WorkerSettings,
    board: Board,
    *,
    name: str | None = None,
    broker: Broker | None = None,
    abandon: Callable[[], None] = lambda: None,
) -> AsyncIterator[Runner]:
    """A runner on the running event loop, with its reconciler and its model cards.

    `name`: what jobs are told of this process, if it is not the whole worker. `broker`: one that lives in this process,
    instead of the one at `broker_url`. `abandon`: see RunnerOptions.
    """
    warn_of_plain_backends(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo()))
        objects = await stack.enter_async_context(ObjectStore.open(settings.s3()))
        if broker is None:
            url, prefix = settings.broker_url.get_secret_value(), settings.broker_prefix
            broker = await stack.enter_async_context(RabbitMQBroker.open(url, prefix=prefix, tls=settings.tls()))
        await ensure_indexes(database)
        stores = Stores.of(database)
        engine = Engine(stores=stores, broker=broker, rules=settings.rules())
        sweeper = Sweeper(stores, objects, grace=settings.staged_grace)
        await stack.enter_async_context(running(partial(engine.runtimes.run, stores.runtimes)))
        await stack.enter_async_context(running(partial(engine.outcomes.run, stores.statistics)))
        models = Models(find_models(settings.modules), pool=settings.pool)
        await stack.enter_async_context(running(Reconciler(engine, sweeper).run))
        await stack.enter_async_context(running(partial(models.vouch, stores.models)))
        options = RunnerOptions(
            worker=name or settings.worker_name,
            scratch_directory=stack.enter_context(own_folder(settings.scratch_directory)),
            grace=timedelta(seconds=settings.grace_seconds),
            abandon=abandon,
            board=board,
            outside=_outside(settings),
        )
        runner = Runner(engine, models, objects, sweeper, options)
        membership = Membership(stores.workers, _card(settings, board, models), board, runner)
        await stack.enter_async_context(running(runner.keep_time))
        await stack.enter_async_context(running(membership.run))
        heard_as = partial(answer_probes, broker, board.worker, name=settings.worker_name, pool=settings.pool)
        await stack.enter_async_context(running(heard_as))
        yield runner


def _outside(settings: WorkerSettings) -> Outside:
    rules = replace(settings.fetching(), seconds=settings.result_seconds)
    return Outside(
        results=Results(Fetcher(rules), limit_bytes=settings.result_limit_bytes), public_url=settings.public_url
    )


async def say_goodbye(settings: WorkerSettings, board: Board) -> None:
    """The last words of a worker whose processes have all ended in order: what they left behind is removed."""
    remove_leftovers(settings.scratch_directory)
    async with open_database(settings.mongo()) as database:
        try:
            await Workers(database).leave(board.worker)
        except StoreUnavailable as error:
            log.warning("worker.left_unheard", reason=error.detail)  # it will be listed as lost


def _card(settings: WorkerSettings, board: Board, models: Models) -> WorkerCard:
    return WorkerCard(
        id=board.worker,
        name=settings.worker_name,
        pool=settings.pool,
        models=[ModelOffered(name=card.name, version=card.version) for card in models.cards],
        concurrency=settings.concurrency,
        host=platform.node(),
        pid=board.pid,
    )
