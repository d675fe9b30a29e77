"""File names that people type, in a header."""

import pytest

from reelwork.objects.disposition import content_disposition


@pytest.mark.parametrize(
    ("filename", "value"),
    [
        ("holiday.mp4", 'inline; filename="holiday.mp4"'),
        ("Fähre.mp4", "inline; filename=\"Fahre.mp4\"; filename*=UTF-8''F%C3%A4hre.mp4"),
        ("日本.mp4", "inline; filename=\"file.mp4\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.mp4"),
        ("../../etc/passwd", 'inline; filename="_.._etc_passwd"'),
        ('a"; filename="b', 'inline; filename="a__ filename=_b"'),
        ("a\r\nSet-Cookie: x", 'inline; filename="a__Set-Cookie_ x"'),
        ("evil\u202egpj.exe", 'inline; filename="evil_gpj.exe"'),
        ("", 'inline; filename="file"'),
        (" . ", 'inline; filename="file"'),
    ],
)
def test_a_name_can_neither_end_the_header_nor_leave_the_folder(filename: str, value: str) -> None:
    assert content_disposition("inline", filename) == value


def test_a_very_long_name_is_cut() -> None:
    assert len(content_disposition("attachment", "ä" * 100_000)) < 1000
