"""Locks: what is locked is what is asked for, exact and with hashes, and no lock names an address.

A resolver of the test's own stands where uv does: what it would look up belongs to the network.
"""

import re
import sys
from pathlib import Path

import pytest

from checks import locks

LOCKED = Path(locks.LOCKS)
# Peers to measure beside; torch, which each machine wants otherwise; a C compiler. Their tests run where they are.
EXTRAS = {"bench", "diffusion", "speech"}
GROUPS = sorted(lock.stem for lock in LOCKED.glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,]+\])?==(\S+)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of the test's own."""
    monkeypatch.setattr(locks, "LOCKS", tmp_path)
    return tmp_path


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text that resolving gives, as the one item of the list; to be set by the test."""
    answer = [""]
    monkeypatch.setattr(locks, "resolve", lambda _group, output, **_options: output.write_text(answer[0]))
    return answer


def told(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["locks", *arguments])
    return locks.main()


def test_a_lock_that_says_what_resolving_says_is_current(
    folder: Path, resolver: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "worker.txt").write_text("anyio==4.9.0 --hash=sha256:0\n")
    resolver[0] = "anyio==4.9.0 --hash=sha256:0\n"

    assert told(monkeypatch, "worker") == 0


def test_a_lock_that_drifted_is_named_with_the_cure_and_left_alone(
    folder: Path, resolver: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "worker.txt").write_text("anyio==4.9.0\n")
    resolver[0] = "anyio==4.9.0\ncelery==5.7.0\n"

    assert told(monkeypatch, "worker") == 1

    assert capsys.readouterr().out == "locks/worker.txt is out of date: make lock\n"
    assert (folder / "worker.txt").read_text() == "anyio==4.9.0\n"


@pytest.mark.parametrize("address", ["--index-url https://registry.example/simple", "x @ git+ssh://host/x"])
def test_a_lock_that_names_an_address_is_refused_though_it_is_current(
    folder: Path,
    resolver: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    address: str,
) -> None:
    (folder / "worker.txt").write_text(address)
    resolver[0] = address

    assert told(monkeypatch, "worker") == 1

    assert capsys.readouterr().out == "locks/worker.txt names an address\n"


def test_writing_begins_with_the_group_that_binds_all_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, bool]] = []
    monkeypatch.setattr(locks, "resolve", lambda group, _output, *, upgrade: written.append((group, upgrade)))

    assert told(monkeypatch, "--write", "--upgrade", "bootstrap", "worker", "dev") == 0

    assert written == [("dev", True), ("bootstrap", True), ("worker", True)]


@pytest.mark.parametrize("group", GROUPS)
def test_our_locks_are_exact_versions_with_hashes(group: str) -> None:
    text = (LOCKED / f"{group}.txt").read_text()

    requirements = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]
    assert requirements
    for entry in requirements:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_shipped_is_what_is_tested(group: str) -> None:
    """Every group has the versions of `dev`; an extra that is not part of it, of all that the two have in common."""
    tested = dict(PIN.findall((LOCKED / "dev.txt").read_text()))

    shipped = dict(PIN.findall((LOCKED / f"{group}.txt").read_text()))
    if group in EXTRAS:
        shipped = {name: version for name, version in shipped.items() if name in tested}
        assert shipped, "an extra that shares nothing would not be bound to anything"

    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}
