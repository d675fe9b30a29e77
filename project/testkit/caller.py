"""An account's owner, as a test plays them: real HTTP with a real key, and a witness to every answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2 as httpx

from testkit.sse import Frame, frames
from testkit.waiting import pauses
from testkit.witness import Witness

PATIENCE = timedelta(seconds=60)

Json = dict[str, Any]  # an answer's body, of whatever shape the route has


class Caller:
    """`http` is for whatever has no verb here. Every answer passes the witness."""

    def __init__(self, base_url: str, key: str | None, witness: Witness) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.key = key or ""
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=30, event_hooks={"response": [witness]})

    def upload(self, content: bytes, name: str = "picture.jpg") -> Json:
        """The asset that was made of a picture."""
        return expect(201, self.http.post("/v1/assets", files={"file": (name, content)}))

    def submit(self, model: str = "testkit/noop", /, *, job: Json | None = None, **values: object) -> Json:
        """A new job; `job` holds what belongs beside its input, such as tags."""
        return expect(202, self.http.post("/v1/jobs", json={"model": model, "input": values, **(job or {})}))

    def job(self, job_id: str) -> Json:
        return expect(200, self.http.get(f"/v1/jobs/{job_id}"))

    def cancel(self, job_id: str) -> Json:
        return expect(200, self.http.post(f"/v1/jobs/{job_id}/cancel"))

    def events(self, job_id: str) -> list[Json]:
        """The job's durable history."""
        answer = self.http.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
        items: list[Json] = expect(200, answer)["items"]
        return items

    @contextmanager
    def stream(self, job_id: str, **request: Any) -> Iterator[Iterator[Frame]]:  # Any: the client's own keywords
        """The job's events as they come; ends when the gateway ends the stream."""
        with self.http.stream("GET", f"/v1/jobs/{job_id}/events", **request) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            yield frames(response.iter_lines())

    def content(self, asset_id: str) -> bytes:
        """An asset's bytes, fetched as a browser does: by the signed address that we are redirected to."""
        answer = self.http.get(f"/v1/assets/{asset_id}/content")
        assert answer.status_code == 302, answer.text
        return httpx.get(answer.headers["location"], timeout=30).raise_for_status().content

    def wait(self, job_id: str, *statuses: str, within: timedelta = PATIENCE) -> Json:
        """The job once it is in one of these states; in any terminal one if none is named."""
        deadline = time.monotonic() + within.total_seconds()
        for pause in pauses():
            job = self.job(job_id)
            if job["status"] in statuses or (not statuses and job["is_terminal"]):
                return job
            if job["is_terminal"] or time.monotonic() > deadline:
                raise AssertionError(f"{job_id} is {job['status']}, not {statuses or 'ended'}: {job['error']}")
            time.sleep(pause)
        raise AssertionError("pauses never end")


def expect(status: int, response: httpx.Response) -> Json:
    """The body of an answer that has this status. Raises AssertionError with what it says instead."""
    assert response.status_code == status, f"{response.request.method} {response.request.url}: {response.text[:2000]}"
    body: Json = response.json()
    return body
