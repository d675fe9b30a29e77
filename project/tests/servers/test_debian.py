"""Packages of another release: from this machine's own mirrors, or a clear word why not."""

from pathlib import Path

import pytest

from run.servers import debian
from run.servers.debian import Unfetchable
from run.servers.relocated import Relocated

ONE_LINE = """\
# deb http://commented.test/debian bookworm main
deb http://main.test/debian bookworm main contrib
deb [signed-by=/some/key.gpg arch=amd64] http://security.test/debian-security bookworm-security main
deb-src http://sources.test/debian bookworm main
"""
STANZAS = """\
Types: deb
# a comment
URIs: http://main.test/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://security.test/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_mirrors_are_read_from_one_line_sources(apt: Path) -> None:
    (apt / "sources.list").write_text(ONE_LINE)

    assert list(debian._sources(apt)) == [
        ("http://main.test/debian", "bookworm"),
        ("http://security.test/debian-security", "bookworm-security"),
    ]


def test_mirrors_are_read_from_stanzas(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(STANZAS)

    assert list(debian._sources(apt)) == [
        ("http://main.test/debian", "bookworm"),
        ("http://main.test/debian", "bookworm-updates"),
        ("http://security.test/debian-security", "bookworm-security"),
    ]


def test_without_apt_fetching_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Unfetchable, match="apt-get and dpkg are needed"):
        debian.unpack_packages(["any"], suite="trixie", work=tmp_path, root=tmp_path / "root")


def test_on_another_system_fetching_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_os_release", lambda: {"ID": "ubuntu", "VERSION_CODENAME": "noble"})

    with pytest.raises(Unfetchable, match="ubuntu"):
        debian._mirrors()


def test_a_failed_program_is_an_error_with_what_it_said() -> None:
    with pytest.raises(Unfetchable, match=r"(?s)status 2.*no-such-file"):
        debian.run(("ls", "/no-such-file"))


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(Unfetchable, match="no-such-program"):
        debian.run(("/no-such-program",))


def test_a_relocated_folder_that_was_moved_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "relocated.json").write_text('{"root": "/somewhere/else"}')

    assert Relocated.find(tmp_path) is None


def test_a_relocated_folder_in_its_place_is_used(tmp_path: Path) -> None:
    (tmp_path / "relocated.json").write_text(f'{{"root": "{tmp_path}"}}')

    assert Relocated.find(tmp_path) == Relocated(root=tmp_path)


def test_a_folder_that_was_never_finished_is_not_used(tmp_path: Path) -> None:
    assert Relocated.find(tmp_path) is None
