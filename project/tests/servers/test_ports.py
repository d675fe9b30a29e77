"""Free ports: really free, contiguous, and the same again for the same folder."""

import socket
import subprocess
import sys
from collections import OrderedDict
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


def test_a_folder_that_was_copied_gets_ports_of_its_own(tmp_path: Path) -> None:
    first = ports.kept_ports(tmp_path / "one", 1)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "ports.json").write_text((tmp_path / "one" / "ports.json").read_text())

    assert ports.kept_ports(tmp_path / "two", 1) != first
    assert ports.kept_ports(tmp_path / "one", 1) == first


@pytest.mark.parametrize("record", ["", "[20", '{"a": 1}', "7", "[70000, 70001]", "[-1, 5]"])
def test_a_damaged_record_of_ports_is_as_good_as_none(tmp_path: Path, record: str) -> None:
    (tmp_path / "ports.json").write_text(record)

    assert len(ports.kept_ports(tmp_path, 2)) == 2


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The one port that there is to choose; nobody has chosen it yet."""
    there = ports.free_port()
    ports._held.pop(there).socket.close()
    held: OrderedDict[int, ports._Holder] = OrderedDict()
    monkeypatch.setattr(ports, "_held", held)
    monkeypatch.setattr(ports, "_LOWEST", there)
    monkeypatch.setattr(ports, "_HIGHEST", there + 2)
    yield there
    for holder in held.values():
        holder.socket.close()


def chosen_by_another_process(only: int) -> str:
    asked = (
        f"from run.servers import ports; ports._LOWEST, ports._HIGHEST = {only}, {only + 2}; print(ports.free_port())"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or found.stderr.strip().splitlines()[-1]


def test_a_port_that_was_chosen_is_nobody_elses_though_nothing_listens_there(only: int) -> None:
    before = chosen_by_another_process(only)
    chosen = ports.free_port()

    assert (before, chosen) == (str(only), only)
    assert "NoFreePort" in chosen_by_another_process(only)
    with pytest.raises(ports.NoFreePort):
        ports.free_port()


def test_a_port_whose_process_has_ended_can_be_chosen_again(only: int) -> None:
    assert chosen_by_another_process(only) == chosen_by_another_process(only) == str(only)


def test_of_a_block_that_is_not_free_nothing_stays_held(monkeypatch: pytest.MonkeyPatch, only: int) -> None:
    monkeypatch.setattr(ports, "_HIGHEST", only + 3)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", only + 1))
        listener.listen()
        with pytest.raises(ports.NoFreePort):
            ports.free_ports(2)

    assert chosen_by_another_process(only) == str(only)


def test_no_more_files_are_open_than_it_needs(monkeypatch: pytest.MonkeyPatch, only: int, tmp_path: Path) -> None:
    monkeypatch.setattr(ports, "_MOST_HELD", 2)
    monkeypatch.setattr(ports, "_LOWEST", 20_000)
    monkeypatch.setattr(ports, "_HIGHEST", 32_000)

    first, second = ports.free_port(), ports.kept_ports(tmp_path, 1)[0]
    ports.kept_ports(tmp_path, 1)
    third = ports.free_port()
    ports.kept_ports(tmp_path, 1)

    assert list(ports._held) == [third, second]
    assert first not in ports._held


def test_no_free_port_is_an_error(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(ports, "_LOWEST", taken)
    monkeypatch.setattr(ports, "_HIGHEST", taken + 2)

    with pytest.raises(ports.NoFreePort):
        ports.free_ports(1)
