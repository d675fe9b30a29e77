"""Free ports: really free, contiguous, and the same again for the same folder."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from run.servers import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports.free_port()))


def test_a_block_is_contiguous() -> None:
    block = ports.free_ports(10)

    assert block == list(range(block[0], block[0] + 10))


def test_a_folder_keeps_its_ports(tmp_path: Path) -> None:
    first = ports.kept_ports(tmp_path, 3)

    assert ports.kept_ports(tmp_path, 3) == first


def test_a_folder_gets_other_ports_when_one_of_its_own_is_taken(tmp_path: Path) -> None:
    first = ports.kept_ports(tmp_path, 3)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first[1]))
        listener.listen()
        second = ports.kept_ports(tmp_path, 3)

    assert first[1] not in second
    assert ports.kept_ports(tmp_path, 3) == second


@pytest.mark.parametrize("record", ["", "[20", '{"a": 1}', "7"])
def test_a_damaged_record_of_ports_is_as_good_as_none(tmp_path: Path, record: str) -> None:
    (tmp_path / "ports.json").write_text(record)

    assert len(ports.kept_ports(tmp_path, 2)) == 2


def test_no_free_port_is_an_error(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(ports, "_LOWEST", taken)
    monkeypatch.setattr(ports, "_HIGHEST", taken + 2)

    with pytest.raises(ports.NoFreePort):
        ports.free_ports(1)
