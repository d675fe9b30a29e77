"""Whoever gets at the broker may waste a worker's time, no more: no code runs, no worker ends, no job is lost."""

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import kombu
import pytest

from reelwork.broker.message import ticket_message
from reelwork.broker.topology import Topology
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack
from testkit.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.security]

PATIENCE = timedelta(seconds=15)
JSON = "application/json"
ARGUMENTS = b'[[], {"pool": "cpu"}, {}]'
HEADERS = dict(ticket_message("cpu").headers)


class Payload:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self._file,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """A message in the queue of tickets. `body` is given the file that its code would make."""

    body: Callable[[Path], bytes] = lambda _: ARGUMENTS
    content_type: str = JSON
    task: str = HEADERS["task"]
    without: str = ""  # a header
    times: int = 1


def _pickled(file: Path) -> bytes:
    return pickle.dumps(([Payload(file)], {}, {}))


def _shell(file: Path) -> bytes:
    return f'!!python/object/apply:os.system ["touch {file}"]'.encode()


FORGERIES = {
    "pickle": Forged(body=_pickled, content_type="application/x-python-serialize"),
    "pickle that is called JSON": Forged(body=_pickled),
    "YAML": Forged(body=_shell, content_type="application/x-yaml"),
    "a type that nobody knows": Forged(content_type="application/x-nothing"),
    "an unknown task": Forged(task="os.system"),
    "a task of Celery's own": Forged(task="celery.backend_cleanup"),
    "no task": Forged(without="task"),
    "another pool": Forged(body=lambda _: b'[[], {"pool": "gpu"}, {}]'),
    "a pool that is no text": Forged(body=lambda _: b'[[], {"pool": {"$ne": ""}}, {}]'),
    "arguments that it does not take": Forged(body=lambda file: json.dumps([[str(file), 2, 3], {}, {}]).encode()),
    "no id": Forged(without="id"),
    "an object": Forged(body=lambda _: b'{"pool": "cpu"}'),
    "an object with arguments": Forged(body=lambda _: b'{"args": 5, "task": "reelwork.work"}'),
    "a number": Forged(body=lambda _: b"5"),
    "null": Forged(body=lambda _: b"null"),
    "four parts": Forged(body=lambda _: b"[[], {}, {}, {}]"),
    "parts of another kind": Forged(body=lambda _: b"[1, 2, 3]"),
    "nothing": Forged(body=lambda _: b""),
    "5 MB": Forged(body=lambda _: json.dumps([[], {"pool": "x" * 5_000_000}, {}]).encode()),
    "500 empty ones": Forged(body=lambda _: b"", times=500),
}


@pytest.fixture(scope="module")
def distributed(mongo_url: str, s3: S3Service, amqp_url: str) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3, amqp_url=amqp_url)) as running:
        yield running


@pytest.fixture(scope="module")
def channel(amqp_url: str) -> Iterator[Any]:  # of kombu's, whose types leave out half of its methods
    with kombu.Connection(amqp_url) as connection, connection.channel() as opened:
        yield opened


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_ticket_runs_nothing_and_the_worker_goes_on(
    distributed: Stack, channel: Any, tmp_path: Path, forged: Forged
) -> None:
    names = Topology(prefix=distributed.broker_prefix)
    queue, made = names.ticket_queue("cpu").name, tmp_path / "made"
    (worker,) = distributed.workers

    headers = HEADERS | {"task": forged.task}
    headers = {name: value for name, value in headers.items() if name != forged.without}
    message = channel.prepare_message(
        forged.body(made), content_type=forged.content_type, content_encoding="utf-8", headers=headers
    )
    for _ in range(forged.times):
        channel.basic_publish(message, exchange="", routing_key=queue)
    job = distributed.owner.submit()["id"]

    assert len(distributed.owner.wait(job, within=PATIENCE)["attempts"]) == 1
    until(lambda: channel.queue_declare(queue, passive=True).message_count == 0)
    assert not made.exists()
    assert worker.running
