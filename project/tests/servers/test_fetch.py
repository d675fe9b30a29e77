"""Fetching tells where a thing is, or why it cannot be had."""

from pathlib import Path

import pytest

from run.servers import fetch, rabbitmq
from run.servers.debian import Unfetchable
from run.servers.rabbitmq import Installation
from run.servers.relocated import Relocated


@pytest.fixture
def not_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_cls: type[Relocated]) -> Relocated:
        raise Unfetchable("this is ubuntu, not Debian")

    monkeypatch.setattr(Relocated, "fetch", classmethod(refuse))
    monkeypatch.setattr(Relocated, "find", classmethod(lambda _cls: None))
    monkeypatch.setattr(rabbitmq, "_HOMES", ())


@pytest.mark.usefixtures("not_debian")
def test_what_cannot_be_had_is_told_and_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch.main(["rabbitmq"]) == 1

    assert "rabbitmq could not be fetched: this is ubuntu, not Debian" in capsys.readouterr().err


@pytest.mark.usefixtures("not_debian")
def test_what_cannot_be_had_is_no_failure_if_only_wished_for() -> None:
    assert fetch.main(["--if-possible", "rabbitmq"]) == 0


@pytest.mark.usefixtures("not_debian")
def test_the_machines_own_rabbitmq_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    monkeypatch.setattr(fetch, "find_rabbitmq", lambda: Installation(server=own))

    assert fetch.rabbitmq() == own


def test_an_installed_browser_is_found_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert fetch.chromium() == browser


def test_without_browser_and_apt_fetching_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Unfetchable, match="no Chromium"):
        fetch.chromium()


def test_without_apertium_and_apt_fetching_it_is_an_error_that_names_the_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Unfetchable, match="install apertium and apertium-eng-spa"):
        fetch.apertium()


def test_apertium_without_the_languages_is_not_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, pair = tmp_path / "apertium", tmp_path / "eng-spa.mode"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fetch, "_ENGLISH_TO_SPANISH", pair)

    with pytest.raises(Unfetchable):
        fetch.apertium()
    pair.touch()

    assert fetch.apertium() == program
