"""Gateway and worker as processes of their own, over RabbitMQ."""

import http.client
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from run.pools import jobs_at_once, more_pools
from run.servers.process import Command, Server, ServerFailed
from worker.catalogue import find_models
from worker.settings import WorkerSettings

_LOOK = timedelta(seconds=1)
_MOST_SILENCE_SECONDS = 60.0
# Of a worker, beyond the time that running jobs have.
LAST_STEPS = timedelta(seconds=20)


def serve_in_children(*, port: int, folder: Path, key: str, when_ready: Callable[[], None]) -> None:
    """Serve until KeyboardInterrupt; settings come from the environment. `when_ready`: called once the gateway offers
    all models that this machine can run to whoever has this key, or after a minute.

    Raises ServerFailed if one of them ends.
    """
    first = WorkerSettings()  # type: ignore[call-arg]  # from the environment
    wanted = set(find_models(first.modules).models)
    workers = [worker_process(folder / "worker.log")]
    for pool in more_pools(first):
        at_once = str(jobs_at_once(pool))
        settings = {"REELWORK_POOL": pool, "REELWORK_CONCURRENCY": at_once, "REELWORK_WORKER_NAME": pool}
        workers.append(worker_process(folder / f"worker-{pool}.log", name=f"worker-{pool}", settings=settings))
    gateway = gateway_process(port, folder / "gateway.log")
    with side_by_side([*workers, gateway]):
        silent_until = time.monotonic() + _MOST_SILENCE_SECONDS
        while (awaited := wanted - _offered(port, key)) and time.monotonic() < silent_until:
            _check_running([gateway, *workers], _LOOK / 5)
        when_ready()
        if awaited:
            sys.stdout.write(f"  No worker has told yet that it has {', '.join(sorted(awaited))}: see the logs.\n")
        sys.stdout.write(f"  Logs: {gateway.log} and {', '.join(str(worker.log) for worker in workers)}\n")
        while True:
            _check_running([gateway, *workers], _LOOK)


def _check_running(processes: Sequence[Server], within: timedelta) -> None:
    """Returns after `within`. Raises ServerFailed at once where the first of them ends, and then for any other."""
    processes[0].wait(within)
    for process in processes:
        if not process.running:
            raise ServerFailed(f"The {process.name} ended; the end of {process.log}:\n{process.tail()}")


@contextmanager
def side_by_side(processes: Sequence[Server]) -> Iterator[None]:
    """Start them one after the other; at the end stop all at the same time. Whoever waits for that and is interrupted
    has them killed."""
    try:
        for process in processes:
            process.start()
        yield
    finally:
        with ThreadPoolExecutor(max_workers=len(processes)) as pool:
            stops = [pool.submit(process.stop) for process in processes]
            try:
                wait(stops)
            except KeyboardInterrupt:
                for process in processes:
                    process.kill()
        for stop in stops:
            stop.result()


def gateway_process(port: int, log: Path) -> Server:
    """A gateway on this port, with this process's environment; started means that it answers."""
    return Server(
        name="gateway",
        command=Command(argv=(sys.executable, "-m", "gateway", "--port", str(port))),
        log=log,
        ready=lambda: answers(f"http://127.0.0.1:{port}/healthz"),
    )


def worker_process(log: Path, *, name: str = "worker", settings: Mapping[str, str] = {}) -> Server:
    """A worker with this process's environment and these settings. It counts as started at once: what it misses waits
    in the queue."""
    return Server(
        name=name,
        command=Command(argv=(sys.executable, "-m", "worker"), env={**os.environ, **settings}),
        log=log,
        ready=lambda: True,
        stop_within=LAST_STEPS + timedelta(seconds=float(os.environ.get("REELWORK_DRAIN_SECONDS", "30"))),
    )


def answers(url: str) -> bool:
    """Whether this address answers 200 within a second."""
    return _answer(url) is not None


def _offered(port: int, key: str) -> set[str]:
    """Names of models that workers have: the first time they tell it some seconds after the gateway answers."""
    listed = _answer(f"http://127.0.0.1:{port}/v1/models", {"X-API-Key": key})
    models = json.loads(listed)["items"] if listed is not None else []
    return {model["name"] for model in models if model["available"]}


def _answer(url: str, headers: Mapping[str, str] = {}) -> bytes | None:
    """The body of a 200 that came within a second."""
    question = urllib.request.Request(url, headers=dict(headers))  # noqa: S310  (our own gateway on loopback)
    try:
        with urllib.request.urlopen(question, timeout=1) as answer:  # noqa: S310  (likewise)
            return bytes(answer.read()) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):  # refused, or it ended in the midst of its answer
        return None
