"""The table of bad inputs is whole, and every test that it names is there and is run by `make security`."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs/bad-inputs.md").read_text()
TESTS = {
    path
    for part in ("gateway-service/tests", "shared-lib/tests", "worker-service/tests", "project/e2e")
    for path in (ROOT / part).rglob("test_*.py")
}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| \d.*\|$", TABLE, re.MULTILINE)
]
LAST_OF_REQUESTS = 102  # what follows is about jobs, and takes longer than `make security` should


def numbers(cell: str) -> range:
    first, _, last = cell.partition("–")
    return range(int(first), int(last or first) + 1)


def test_every_number_stands_there_once():
    assert [number for row in ROWS for number in numbers(row[0])] == list(range(1, 111))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_answer_is_proved(row: list[str]):
    proofs = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row[3])

    assert proofs or row[3] == "same" or row[2].startswith("not there")
    for file, name in proofs:
        holding = [text for text in _texts(file) if re.search(rf"def {name}\(", text)]
        assert holding, f"{file} has no {name}"
        if numbers(row[0])[0] <= LAST_OF_REQUESTS:
            assert any("mark.security" in text for text in holding), f"{file} is not marked `security`"


def _texts(name: str) -> list[str]:
    return [path.read_text() for path in TESTS if path.name == name]
