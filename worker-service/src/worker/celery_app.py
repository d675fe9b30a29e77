"""The Celery application: the runtime that turns tickets into calls. Order, delays, retries, results are not its.

Every setting has its reason in a known behaviour of Celery 5.7 or RabbitMQ; the defaults would lose or double work.
"""

from datetime import timedelta

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_shutdown

from reelwork.broker.celery_topology import celery_queues
from reelwork.broker.topology import Topology
from reelwork.runtime.logging import configure_logging
from worker.admin import open_admin_port
from worker.alive import show_alive
from worker.board import Board
from worker.foreman import foreman
from worker.process import PoolProcess
from worker.settings import WorkerSettings
from worker.tasks import register

# Our own limits end a run long before; this one is for a process that has lost its mind.
LAST_RESORT = timedelta(hours=3)


def make_app(settings: WorkerSettings) -> Celery:
    """The application for one pool. Connects to nothing."""
    url = settings.broker_url.get_secret_value()
    app = Celery("reelwork", broker=url, set_as_current=False)
    topology = Topology(prefix=settings.broker_prefix)
    app.conf.update(
        broker_use_ssl=settings.tls().of_celery(url),
        task_queues=celery_queues(topology, [settings.pool]),
        task_default_queue=topology.ticket_queue(settings.pool).name,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],  # never pickle
        result_accept_content=["json"],
        task_ignore_result=True,  # the job document is the result
        task_acks_late=True,
        task_reject_on_worker_lost=True,  # else a killed process takes its ticket with it
        task_acks_on_failure_or_timeout=True,
        task_time_limit=LAST_RESORT.total_seconds(),
        worker_prefetch_multiplier=1,  # with late acks: no ticket waits behind a long job
        worker_cancel_long_running_tasks_on_connection_loss=False,  # the lease owns the job, not the ticket
        worker_max_tasks_per_child=1000,
        worker_proc_alive_timeout=60,  # a process imports models before it is up; after the default of 4 s it is killed
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_channel_error_retry=True,  # else a consumer time-out ends the worker
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=4,
        broker_heartbeat=10,
        broker_pool_limit=2,
        broker_transport_options={"confirm_publish": True},
        broker_native_delayed_delivery_queue_type="classic",  # unused, but declared beside every quorum queue
    )
    board = Board(patience=settings.patience)
    process = PoolProcess(settings, board)
    register(app, process)
    queue = topology.ticket_queue(settings.pool).name
    app.steps["worker"].add(foreman(board, queue=queue, patience=settings.patience))
    _connect_signals(settings, process)
    return app


def _connect_signals(settings: WorkerSettings, process: PoolProcess) -> None:
    def configure(**_: object) -> None:
        configure_logging(style=settings.log_format, level=settings.log_level)
        settings.report_errors(service="reelwork-worker")

    def opened(**_: object) -> None:
        process.open_or_end()

    def closed(**_: object) -> None:
        process.close()

    def ended(**_: object) -> None:
        process.say_goodbye()

    setup_logging.connect(configure, weak=False)
    worker_process_init.connect(opened, weak=False)
    worker_process_shutdown.connect(closed, weak=False)
    worker_shutdown.connect(ended, weak=False)
    if settings.metrics_port is not None:
        open_admin_port(settings)
    if settings.alive_file is not None:
        show_alive(settings.alive_file)
