"""The internal port of a worker's main process: the numbers of all its processes, and whether it takes tickets."""

import time
from contextlib import ExitStack

from celery.signals import heartbeat_sent, worker_ready, worker_shutdown

from reelwork.runtime.admin_port import admin_port
from worker.settings import WorkerSettings

# Celery's main process beats every two seconds while it is connected to RabbitMQ and its loop turns.
SILENCE_SECONDS = 15.0


def open_admin_port(settings: WorkerSettings) -> None:
    """Open it when the worker is ready, so that its first processes are forked before there is a thread."""
    stack, beaten = ExitStack(), [time.monotonic()]

    def beat(**_: object) -> None:
        beaten[0] = time.monotonic()

    def is_well() -> bool:
        return time.monotonic() - beaten[0] < SILENCE_SECONDS

    def opened(**_: object) -> None:
        stack.enter_context(admin_port(settings.metrics_host, settings.metrics_port, is_well=is_well))

    def closed(**_: object) -> None:
        stack.close()

    heartbeat_sent.connect(beat, weak=False)
    worker_ready.connect(opened, weak=False)
    worker_shutdown.connect(closed, weak=False)
