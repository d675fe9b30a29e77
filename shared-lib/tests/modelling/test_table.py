"""Numbers from lists and files."""

import json
import tracemalloc
from math import isnan

import pytest

from reelwork.generator import InvalidInput
from reelwork.modelling.table import of_file, of_rows, sniff_table


@pytest.fixture
def read(tmp_path):
    def reading(text: str | bytes):
        path = tmp_path / "series"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [[None if isnan(value) else value for value in column] for column in of_file(path, source="file")]

    return reading


def test_null_is_missing_and_whole_numbers_are_numbers():
    (column,) = of_rows([1, None, 2.5], source="values")

    assert [column[0], isnan(column[1]), column[2]] == [1.0, True, 2.5]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("1\n2.5\n\n3", [[1.0, 2.5, None, 3.0]]),
        ("value\n1\nNA\n2", [[1.0, None, 2.0]]),
        ("time,a,b\n2026-01-01,1,\n2026-01-02,2,5", [[1.0, 2.0], [None, 5.0]]),
        ("\ufeff1,2\r\n3,4\r\n", [[1.0, 3.0], [2.0, 4.0]]),
        ("[1, null, 2]", [[1.0, None, 2.0]]),
        (' {"values": [[1, 2], [3, null]]}', [[1.0, 3.0], [2.0, None]]),
        ('{"results": [4]}', [[4.0]]),
        ('{"name": "tides", "values": [1, 2], "unit": {"of": ["m"]}}\n', [[1.0, 2.0]]),
        ("[ 1 ,\n2 ]" + " " * 600_000, [[1.0, 2.0]]),
        ("", []),
    ],
)
def test_csv_and_json_are_read(read, text, columns):
    assert read(text) == columns


@pytest.mark.parametrize(
    "text",
    [
        "1\nx\n2",
        "1,2\n3",
        "1\ninf",
        "1e200",
        "[1, true]",
        "[1, [2]]",
        "[[]]",
        '["1"]',
        '{"other": [1]}',
        "[1, 2",
        "[NaN]",
        "[" * 2000,
        b"\xff\xfe1",
        ",".join("1" * 65),
        "[1] [2]",
        "[1,]",
        '{"values": [1], "results": [2]}',
        '{"values": [1], "note"}',
        "[" + "1" * 5000 + "]",
        "[" + "[1]," * 30_000 + '"' + "x" * 200_000 + '"]',
        "1," * 100_000,
        '"\n' + '","\n' * 100,
    ],
)
def test_what_is_no_series_is_refused_by_name(read, text):
    with pytest.raises(InvalidInput, match=r"^file: ") as caught:
        read(text)

    assert caught.value.field == "file"


def test_a_file_may_be_longer_than_a_job(tmp_path):
    path = tmp_path / "series.json"
    path.write_text(json.dumps([0.5] * 100_000))

    (column,) = of_file(path, source="file")

    assert len(column) == 100_000


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"1.5\n2\n", "text/csv"),
        (b"level\n1.5\n", "text/csv"),
        (b"time,level\n2026-01-01,NA\n", "text/csv"),
        (b'"a ""b""",c\n"1",2\n', "text/csv"),
        (b"\xef\xbb\xbf1;2,3", "text/csv"),
        (b" [1, null]", "application/json"),
        (b'\xef\xbb\xbf{"values": [', "application/json"),
        ("1,°".encode()[:-1], "text/csv"),
        (b"", None),
        (b"I am a text, not a picture.", None),
        (b"level\n", None),
        (b"1\x00\n", None),
        (b"1,\xff\n", None),
        (b"<html>\n1\n", "text/csv"),  # its second line will do, its first as a header too
    ],
)
def test_numbers_are_known_by_how_they_begin(head, media_type):
    assert sniff_table(head) == media_type


def test_of_a_long_file_little_is_held_but_its_numbers(tmp_path):
    path = tmp_path / "series.json"
    path.write_text(f"[{' ' * 3_000_000}{','.join(['[1.5, null]'] * 30_000)}]")
    tracemalloc.start()

    columns = of_file(path, source="file")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [len(column) for column in columns] == [30_000, 30_000]
    assert peak < 2_500_000
