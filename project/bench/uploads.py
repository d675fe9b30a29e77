"""Large files through the gateway: what passes is never held, so its memory does not grow with the file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx

from bench import resumed
from bench.processes import MIB, watched
from bench.stations import Station, running_station
from bench.tables import Table
from testkit import pictures

SIZES = (32 * MIB, 256 * MIB, 1024 * MIB)
PATIENCE_SECONDS = 600.0


def measure() -> list[Table]:
    """About a minute. The limit on uploads is raised by its setting."""
    with running_station(upload_limit_bytes=SIZES[-1]) as station, _client(station) as client:
        _upload(client, _picture(station.folder, MIB))  # whatever the first one loads is there for good
        rows = [_row(station, client, size) for size in SIZES]
        in_parts = resumed.measure(station, client)
    return [
        Table(
            title="Large files through the gateway",
            note="A JPEG with so much behind its end, uploaded by form (received, hashed, decoded, stored in S3) and "
            "fetched with `?proxy=true`. `Grown`: the most that the gateway had in memory above what it had before.",
            columns=("size", "upload", "grown", "download", "grown"),
            rows=rows,
        ),
        in_parts,
    ]


def _row(station: Station, client: httpx.Client, size: int) -> list[str]:
    path = _picture(station.folder, size)
    with watched(station.pid) as up:
        begun = time.perf_counter()
        asset = _upload(client, path)
        sent = time.perf_counter() - begun
    path.unlink()
    with watched(station.pid) as down:
        begun = time.perf_counter()
        received = _download(client, asset)
        fetched = time.perf_counter() - begun
    assert received == size
    rates = [f"{size / MIB / seconds:.0f} MiB/s" for seconds in (sent, fetched)]
    return [
        f"{size // MIB:,} MiB",
        *(rates[0], f"{up.grown / MIB:.0f} MiB"),
        *(rates[1], f"{down.grown / MIB:.0f} MiB"),
    ]


def _picture(folder: Path, size: int) -> Path:
    """A sound JPEG, then zeros: a sparse file, so that making it costs nothing."""
    path = folder / f"{size}.jpg"
    path.write_bytes(pictures.picture())
    with path.open("r+b") as file:
        file.truncate(size)
    return path


def _upload(client: httpx.Client, path: Path) -> str:
    with path.open("rb") as file:
        answer = client.post("/v1/assets", files={"file": (path.name, file, "image/jpeg")})
    answer.raise_for_status()
    return str(answer.json()["id"])


def _download(client: httpx.Client, asset: str) -> int:
    with client.stream("GET", f"/v1/assets/{asset}/content?proxy=true") as answer:
        answer.raise_for_status()
        return sum(len(chunk) for chunk in answer.iter_bytes())


@contextmanager
def _client(station: Station) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": station.key}
    with httpx.Client(base_url=station.url, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client
