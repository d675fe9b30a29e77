"""The peer's HTTP side: publish with `send_task`, read the state from the result backend.

Two ways to submit: publish and forget, or with a row for the job first, as systems do that list and bill their jobs.
"""

import os
import uuid
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pymongo import MongoClient

from bench.plain.tasks import app as celery

app = FastAPI()
rows = MongoClient[dict[str, Any]](os.environ["PLAIN_BACKEND_URL"]).get_default_database()["jobs"]


class Body(BaseModel):
    prompt: str


@app.post("/jobs", status_code=202)
def create(body: Body) -> dict[str, str]:
    return {"id": celery.send_task("plain.work", args=[body.prompt]).id}


@app.post("/recorded-jobs", status_code=202)
def create_recorded(body: Body) -> dict[str, str]:
    job_id = str(uuid.uuid4())
    rows.insert_one({"_id": job_id, "status": "queued", "prompt": body.prompt, "created_at": datetime.now(UTC)})
    celery.send_task("plain.work", args=[body.prompt], task_id=job_id)
    return {"id": job_id}


@app.get("/jobs/{job_id}")
def read(job_id: str) -> dict[str, str]:
    return {"id": job_id, "status": celery.AsyncResult(job_id).state}
