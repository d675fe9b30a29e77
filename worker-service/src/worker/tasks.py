"""The one Celery task. A ticket says that there may be work in a pool; everything else is the engine's business."""

from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.exceptions import InvalidTaskError, Reject
from celery.worker.strategy import default

from reelwork.broker.topology import TASK_NAME
from worker.process import PoolProcess


def register(app: Celery, process: PoolProcess) -> None:
    @app.task(name=TASK_NAME, shared=False, Strategy=f"{__name__}:take_or_refuse")
    def work(pool: str) -> None:
        if not process.work(pool):
            raise Reject("this worker drains", requeue=True)


# `Any`: Celery's task, application, consumer and messages, which have no types.
def take_or_refuse(task: Any, app: Celery, consumer: Any) -> Callable[..., Any]:
    """Celery's own way to take a message of this task, but what cannot be read is rejected.

    Celery does that with unknown tasks and broken JSON. A body or headers of another shape than its own (no body, a
    number, no id) end its main process instead, with the message given back to do the same to the next worker.
    """
    take = default(task, app, consumer)

    def taken(message: Any, *rest: Any) -> Any:
        try:
            return take(message, *rest)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InvalidTaskError(f"not a ticket: {error!r}") from error

    return taken
