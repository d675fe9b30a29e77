"""Every way in which this machine can have a server keeps the promises of `Service`: embedded always, Docker if any."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pika
import pytest
from pymongo import MongoClient
from redis import Redis

from run.servers import Mongod, RabbitMQ, ServerMissing, Valkey
from testkit.containers import EngineMissing, MongoContainer, RabbitContainer, ValkeyContainer, require_engine
from testkit.services import UrlService, unavailable

pytestmark = pytest.mark.service
Way = Callable[[Path], UrlService]


def ways(embedded: Way, contained: Way) -> list[Way]:
    try:
        require_engine()
    except EngineMissing:
        return [embedded]
    return [embedded, contained]


def made(way: Way, folder: Path) -> UrlService:
    try:
        return way(folder)
    except EngineMissing as missing:  # an engine without this image and without a registry
        pytest.skip(str(missing))
    except ServerMissing as missing:
        raise unavailable("The server", [str(missing)]) from missing


@pytest.mark.parametrize("way", ways(Mongod, MongoContainer))
def test_documents_outlive_a_restart_and_a_kill(way: Way, tmp_path: Path) -> None:
    server = made(way, tmp_path)
    try:
        server.start()
        with MongoClient[dict[str, Any]](server.url, w="majority", journal=True) as client:
            client.kept.words.insert_one({"word": "kept"})

        server.restart()
        server.kill()
        server.start()

        with MongoClient[dict[str, Any]](server.url) as client:
            assert client.kept.words.count_documents({"word": "kept"}) == 1
    finally:
        server.stop()


@pytest.mark.parametrize("way", ways(RabbitMQ, RabbitContainer))
def test_messages_outlive_a_restart_and_a_kill(way: Way, tmp_path: Path) -> None:
    server = made(way, tmp_path)
    try:
        server.start()
        with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
            channel.basic_publish("", "kept", b"kept", pika.BasicProperties(delivery_mode=2), mandatory=True)

        server.restart()
        server.kill()
        server.start()

        with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
            channel = connection.channel()
            _, _, body = next(channel.consume("kept", inactivity_timeout=60))
            assert body == b"kept"
    finally:
        server.stop()


@pytest.mark.parametrize("way", ways(Valkey, ValkeyContainer))
def test_counters_outlive_a_restart(way: Way, tmp_path: Path) -> None:
    server = made(way, tmp_path)
    try:
        server.start()
        with Redis.from_url(server.url) as client:
            client.incrby("counted", 7)

        server.restart()

        with Redis.from_url(server.url) as client:
            assert client.get("counted") == b"7"
    finally:
        server.stop()
