"""The disk for temporary files is full: told as what it is, by form and as CSV alike, and not as a failure of ours."""

import tempfile
from typing import BinaryIO

import httpx2 as httpx
import pytest
from fastapi import FastAPI, UploadFile
from starlette.requests import Request

from gateway import problems


def full(*_: object, **__: object) -> BinaryIO:
    """A file as on a disk without room: the system itself refuses what is written."""
    return open("/dev/full", "w+b", buffering=0)  # noqa: PTH123  (whoever asked for it closes it)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    app = FastAPI()
    problems.install(app)

    @app.post("/form")
    async def form(file: UploadFile) -> None:
        raise AssertionError(file.filename)

    @app.post("/body")
    async def body(request: Request) -> None:
        with tempfile.SpooledTemporaryFile(max_size=1) as file:
            file.write(await request.body())

    return app


@pytest.mark.parametrize(
    "sent", [{"url": "/form", "files": {"file": bytes(2**21)}}, {"url": "/body", "content": b"12"}]
)
async def test_a_full_disk_is_to_be_tried_again_and_says_who_can_help(app: FastAPI, sent: dict[str, object]):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.post(**sent)

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (503, "unavailable", True)
    assert int(answer.headers["retry-after"]) > 0
    assert "TMPDIR" in problem["hint"]


async def test_what_cannot_be_read_at_all_is_still_the_callers(app: FastAPI):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await client.post("/form", content=b"no form", headers=headers)

    assert answer.status_code == 400
