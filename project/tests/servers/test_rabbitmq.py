"""A private RabbitMQ: queues outlive a crash, the name server does not outlive the node, strangers stay out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError

from run.servers import RabbitMQ, ServerMissing, rabbitmq
from run.servers.rabbitmq import find_rabbitmq
from run.servers.relocated import Relocated
from testkit.services import UrlService, unavailable

pytestmark = pytest.mark.service
QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RabbitMQ]:
    try:
        server = RabbitMQ(tmp_path)
    except ServerMissing as missing:
        raise unavailable("RabbitMQ", [str(missing)]) from missing
    with server:
        yield server


@contextmanager
def channel(server: UrlService) -> Iterator[BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
        opened = connection.channel()
        opened.confirm_delivery()
        opened.queue_declare("kept", durable=True, arguments=QUORUM)
        yield opened


def publish(server: UrlService, word: str) -> None:
    with channel(server) as opened:
        opened.basic_publish("", "kept", word.encode(), pika.BasicProperties(delivery_mode=2), mandatory=True)


def drain(server: UrlService, count: int) -> list[str]:
    with channel(server) as opened:
        taken = opened.consume("kept", auto_ack=True, inactivity_timeout=30)
        words = [(body or b"nothing came").decode() for _, (_, _, body) in zip(range(count), taken, strict=False)]
        opened.cancel()
        return words


def test_confirmed_messages_outlive_a_restart_and_a_kill(node: RabbitMQ) -> None:
    publish(node, "first")
    node.restart()
    publish(node, "second")
    node.kill()
    node.start()

    assert drain(node, 2) == ["first", "second"]


def test_stop_leaves_neither_node_nor_name_server(node: RabbitMQ) -> None:
    names = node.names

    node.stop()

    assert not node.running
    assert not names.running


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_node_is_one_process_with_the_pid_we_know(node: RabbitMQ) -> None:
    assert b"beam" in Path(f"/proc/{node.pid}/cmdline").read_bytes().split(b"\0")[0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("table", ["tcp", "tcp6"])
def test_node_listens_on_the_loopback_only(node: RabbitMQ, table: str) -> None:
    loopback = {"0100007F", "00000000000000000000000001000000"}
    rows = [row.split() for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    ports = {f"{port:04X}" for port in node.ports}

    listening = {row[1].partition(":")[0] for row in rows if row[1].partition(":")[2] in ports and row[3] == "0A"}

    assert listening <= loopback


def test_the_well_known_user_is_refused(node: RabbitMQ) -> None:
    with pytest.raises(AMQPConnectionError):
        pika.BlockingConnection(pika.URLParameters(f"amqp://guest:guest@127.0.0.1:{node.port}/%2F"))


def test_a_machine_without_rabbitmq_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "_HOMES", ())
    monkeypatch.setattr(Relocated, "find", classmethod(lambda _cls: None))

    with pytest.raises(ServerMissing, match=r"run\.servers\.fetch"):
        find_rabbitmq()
