"""Exports of accounts: fetched, taken in, and spoiled on purpose."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import httpx2 as httpx

from testkit.caller import Caller, Json, expect


def export(caller: Caller) -> bytes:
    """What `GET /v1/account/export` answers."""
    answer = caller.http.get("/v1/account/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


def take(caller: Caller, content: bytes, *, key: str | None = None, **params: str) -> httpx.Response:
    """The answer to an import of this."""
    headers = {"Idempotency-Key": key} if key is not None else {}
    return caller.http.post(
        "/v1/account/import", files={"file": ("export.zip", content)}, params=params, headers=headers
    )


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def lines(content: bytes, name: str) -> list[Json]:
    """The documents in a file of lines of JSON."""
    return [json.loads(line) for line in opened(content).read(name).splitlines()]


def series_of(caller: Caller) -> dict[str, list[Any]]:
    """The points of every series of the account, by their names."""
    listed = expect(200, caller.http.get("/v1/series", params={"limit": 100}))["items"]
    return {one["name"]: expect(200, caller.http.get(one["urls"]["export"]))["values"] for one in listed}


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def changed(content: bytes, **changes: Callable[[bytes], bytes]) -> bytes:
    """The archive with some of its files changed; names are written with `_` for what a keyword cannot have."""
    archive = opened(content)
    files = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        (found,) = [file for file in files if file.replace(".", "_").replace("/", "_").startswith(name)]
        files[found] = change(files[found])
    return packed(files)
