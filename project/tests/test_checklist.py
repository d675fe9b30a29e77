"""`docs/checklist.md`: every row of the replaced systems is there, and every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "checklist.md"
ROWS = {"L": 34, "F": 15, "H": 10, "N": 21, "Y": 14}

_ROW = re.compile(r"\| \[(?P<tick>[x ])\] \| (?P<id>[A-Z]\d+) \| (?P<item>.+) \| (?P<now>.+) \| (?P<proof>.*) \|")
_TEST = re.compile(r"\[(?P<name>[^\]]+)\]\(\.\./(?P<file>[^)]+)\)")


def rows() -> list[re.Match[str]]:
    return [found for line in PAGE.read_text().splitlines() if (found := _ROW.fullmatch(line))]


def test_every_row_stands_there_once():
    wanted = [f"{letter}{number}" for letter, most in ROWS.items() for number in range(1, most + 1)]

    assert [row["id"] for row in rows()] == wanted


def test_a_row_is_ticked_if_a_test_proves_it_and_only_then():
    assert {row["id"] for row in rows() if (row["tick"] == "x") != bool(_TEST.search(row["proof"]))} == set()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_the_tests_of_a_row_exist(row):
    for named in _TEST.finditer(row["proof"]):
        file = ROOT / named["file"]
        assert file.is_file(), f"{row['id']}: there is no {named['file']}"
        if named["name"].startswith("test_") and not named["name"].endswith(".py"):
            assert f"def {named['name']}(" in file.read_text(), f"{row['id']}: {named['file']} has no {named['name']}"
