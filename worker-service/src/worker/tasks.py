"""The one Celery task. A ticket says that there may be work in a pool; everything else is the engine's business."""

from celery import Celery
from celery.exceptions import Reject

from reelwork.broker.topology import TASK_NAME
from worker.process import PoolProcess


def register(app: Celery, process: PoolProcess) -> None:
    @app.task(name=TASK_NAME, shared=False)
    def work(pool: str) -> None:
        if not process.work(pool):
            raise Reject("this worker drains", requeue=True)
