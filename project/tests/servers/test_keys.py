"""Credentials are random, kept once, and private."""

from pathlib import Path

import pytest

from run.servers.keys import Keys


def test_a_folder_keeps_its_keys(tmp_path: Path) -> None:
    first = Keys.kept_in(tmp_path / "new" / "keys.json")

    assert Keys.kept_in(tmp_path / "new" / "keys.json") == first


def test_no_two_folders_have_the_same_keys(tmp_path: Path) -> None:
    assert Keys.kept_in(tmp_path / "a.json") != Keys.kept_in(tmp_path / "b.json")


def test_only_the_owner_reads_the_keys(tmp_path: Path) -> None:
    Keys.kept_in(tmp_path / "keys.json")

    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_of_keys_is_an_error_that_names_the_cure(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")

    with pytest.raises(ValueError, match="remove the data folder"):
        Keys.kept_in(tmp_path / "keys.json")


def test_the_secret_is_not_in_the_repr() -> None:
    keys = Keys.fresh()

    assert keys.secret not in repr(keys)
