"""A film of a GiB straight into S3: the client is killed at 60 %, another sends what is missing."""

import hashlib
import multiprocessing
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx

from bench.processes import MIB, watched
from bench.stations import Station
from bench.tables import Table
from testkit.films import film_head, frames_head

SIZE = 1024 * MIB
KILLED_AT = 0.6
# What the gateway may have in memory above what it had before: it sees the film by a MiB at a time.
MOST_GROWN = 64 * MIB
_POLL_SECONDS = 0.05


def measure(station: Station, client: httpx.Client) -> Table:
    """Raises AssertionError where more was sent than is missing, or the gateway's memory grew."""
    path = _film(station.folder)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    declared = {"filename": "film.mp4", "content_type": "video/mp4", "bytes": SIZE, "sha256": digest}
    with watched(station.pid) as memory:
        upload = _json(client.post("/v1/uploads", json=declared))
        there = _sent_until_killed(client, upload, path)
        resumed = _json(client.post("/v1/uploads", json=declared))  # by the bytes: the name may be lost
        missing = [n for n in range(1, upload["parts"] + 1) if n not in there]
        begun = time.perf_counter()
        _send(client, resumed, path, missing)
        sent = time.perf_counter() - begun
        asset, checked = _completed(client, upload)
    assert resumed["id"] == upload["id"]
    assert asset["bytes"] == SIZE
    assert memory.grown < MOST_GROWN, f"the gateway grew by {memory.grown / MIB:.0f} MiB"
    return _table(upload, len(there), missing, sent=sent, checked=checked, grown=memory.grown)


def _table(
    upload: dict[str, Any], there: int, missing: Sequence[int], *, sent: float, checked: float, grown: int
) -> Table:
    again = sum(_length(upload, n) for n in missing)
    return Table(
        title="A film of 1 GiB, killed at 60 % and resumed",
        note=f"Parts of {upload['part_bytes'] // MIB} MiB by signed addresses; the client is killed (SIGKILL), another "
        "one asks which parts S3 has and sends the others. `Checked`: read back from S3 by the gateway, hashed, taken "
        "apart. `Grown`: as above, over all of it; a run with 64 MiB or more fails.",
        columns=("parts", "there at the kill", "sent after it", "of the film", "sent", "checked", "gateway grown"),
        rows=[
            [
                *(str(upload["parts"]), str(there), str(len(missing)), f"{again / SIZE:.0%}"),
                *(f"{again / MIB / sent:.0f} MiB/s", f"{SIZE / MIB / checked:.0f} MiB/s", f"{grown / MIB:.0f} MiB"),
            ]
        ],
    )


def _film(folder: Path) -> Path:
    """Its frames are zeros, in a sparse file: making it costs nothing."""
    path, head = folder / "film.mp4", film_head(seconds=600)
    path.write_bytes(head + frames_head(SIZE - len(head) - 16))
    with path.open("r+b") as file:
        file.truncate(SIZE)
    return path


def _sent_until_killed(client: httpx.Client, upload: dict[str, Any], path: Path) -> set[int]:
    """Which parts S3 has when the client, a process of its own, is killed."""
    wanted = list(range(1, upload["parts"] + 1))
    arguments = (str(client.base_url), dict(client.headers), upload, path, wanted)
    sender = multiprocessing.get_context("spawn").Process(target=_send_alone, args=arguments)
    sender.start()
    while len(there := _there(client, upload)) < KILLED_AT * upload["parts"]:
        assert sender.is_alive(), "the client ended before it was killed"
        time.sleep(_POLL_SECONDS)
    sender.kill()
    sender.join()
    return _there(client, upload) | there


def _there(client: httpx.Client, upload: dict[str, Any]) -> set[int]:
    return {part["n"] for part in _json(client.get(f"/v1/uploads/{upload['id']}"))["received"]}


def _send_alone(url: str, headers: dict[str, str], upload: dict[str, Any], path: Path, numbers: Sequence[int]) -> None:
    with httpx.Client(base_url=url, headers=headers, timeout=600) as client:
        _send(client, upload, path, numbers)


def _send(client: httpx.Client, upload: dict[str, Any], path: Path, numbers: Sequence[int]) -> None:
    with httpx.Client(trust_env=False, timeout=600) as web, path.open("rb") as file:
        for n in numbers:
            signed = _json(client.post(f"/v1/uploads/{upload['id']}/parts", json={"parts": [n]}))["parts"][0]
            file.seek((n - 1) * upload["part_bytes"])
            web.put(signed["url"], content=file.read(_length(upload, n))).raise_for_status()


def _length(upload: dict[str, Any], n: int) -> int:
    size: int = upload["part_bytes"]
    return min(size, SIZE - (n - 1) * size)


def _completed(client: httpx.Client, upload: dict[str, Any]) -> tuple[dict[str, Any], float]:
    begun = time.perf_counter()
    while (answer := client.post(f"/v1/uploads/{upload['id']}/complete", json={})).status_code == 202:
        time.sleep(_POLL_SECONDS)
    return _json(answer), time.perf_counter() - begun


def _json(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
