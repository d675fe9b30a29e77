"""The peer's Celery side: a task that does nothing, its result in MongoDB, as in Celery's own guides."""

import os
import time

from celery import Celery

app = Celery("plain", broker=os.environ["PLAIN_BROKER_URL"], backend=os.environ["PLAIN_BACKEND_URL"])
app.conf.update(
    task_default_queue=os.environ.get("PLAIN_QUEUE", "plain"),
    task_serializer="json",
    accept_content=["json"],
    task_track_started=True,
)


@app.task(name="plain.work")
def work(prompt: str) -> dict[str, float | str]:
    return {"prompt": prompt, "started_at": time.time()}
