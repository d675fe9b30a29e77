"""The peer's HTTP side: publish with `send_task`, read the state from the result backend."""

from fastapi import FastAPI
from pydantic import BaseModel

from bench.plain.tasks import app as celery

app = FastAPI()


class Body(BaseModel):
    prompt: str


@app.post("/jobs", status_code=202)
def create(body: Body) -> dict[str, str]:
    return {"id": celery.send_task("plain.work", args=[body.prompt]).id}


@app.get("/jobs/{job_id}")
def read(job_id: str) -> dict[str, str]:
    return {"id": job_id, "status": celery.AsyncResult(job_id).state}
