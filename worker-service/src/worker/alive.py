"""A sign of life for whoever watches over a worker: a file that is touched while tickets can be taken.

Celery's heartbeat is the source: it beats every two seconds while the main process is connected to RabbitMQ and its
loop turns. It stops when either is over, so an old file means a worker that takes no tickets.
"""

from pathlib import Path

from celery.signals import heartbeat_sent


def show_alive(file: Path) -> None:
    """Touch `file` at every heartbeat of this process; it is made at the first one."""

    def touch(**_: object) -> None:
        file.touch()

    heartbeat_sent.connect(touch, weak=False)
