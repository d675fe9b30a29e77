"""`.env.local`: settings of one's own for `make run`."""

import os

import pytest

from run.local_settings import UnknownSetting, take_local_settings


def test_what_the_file_sets_is_set(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / ".env.local").write_text("# mine\nREELWORK_LEASE_SECONDS=7\nREELWORK_TIERS='{}'\n")

    take_local_settings(tmp_path / ".env.local")

    assert (os.environ["REELWORK_LEASE_SECONDS"], os.environ["REELWORK_TIERS"]) == ("7", "{}")


def test_the_command_line_has_the_last_word(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"REELWORK_LEASE_SECONDS": "3"})
    (tmp_path / ".env.local").write_text("REELWORK_LEASE_SECONDS=7\n")

    take_local_settings(tmp_path / ".env.local")

    assert os.environ["REELWORK_LEASE_SECONDS"] == "3"


def test_a_line_that_is_no_setting_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / ".env.local").write_text("LEASE_SECONDS=7\n")

    with pytest.raises(UnknownSetting, match="LEASE_SECONDS"):
        take_local_settings(tmp_path / ".env.local")


def test_without_the_file_nothing_changes(tmp_path, monkeypatch):
    before = dict(os.environ)
    monkeypatch.setattr(os, "environ", dict(before))

    take_local_settings(tmp_path / ".env.local")

    assert os.environ == before
