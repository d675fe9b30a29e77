"""What bytes are, and names that are only names."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelwork.domain.media import SNIFF_BYTES, UPLOADABLE, extension_for, kind_of, safe_filename, sniff

SIGNATURES = {
    b"\xff\xd8\xff\xe0\x00\x10JFIF": "image/jpeg",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR": "image/png",
    b"GIF87a\x01\x00": "image/gif",
    b"GIF89a\x01\x00": "image/gif",
    b"RIFF\x24\x00\x00\x00WEBPVP8 ": "image/webp",
    b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00": "image/avif",
    b"\x00\x00\x00\x20ftypavis\x00\x00\x00\x00": "image/avif",
}
NOT_PICTURES = [
    b"",
    b"\xff\xd8",
    b"\x89PNG\n\x1a\n",
    b"GIF88a",
    b"RIFF\x24\x00\x00\x00AVI LIST",
    b"RIFF\x24\x00\x00\x00WAVEfmt ",
    b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00",
    b"<svg xmlns='http://www.w3.org/2000/svg'><script>",
    b"<!DOCTYPE html>",
    b"%PDF-1.7",
    b"PK\x03\x04",
    b"#EXTM3U\nfile:///etc/passwd",
    b" \xff\xd8\xff\xe0",
    b"II*\x00",
    b"BM\x00\x00",
]


@pytest.mark.parametrize(("head", "media_type"), SIGNATURES.items(), ids=str)
def test_pictures_are_known_by_their_first_bytes(head: bytes, media_type: str) -> None:
    assert sniff(head) == media_type
    assert media_type in UPLOADABLE


@pytest.mark.parametrize("head", NOT_PICTURES, ids=str)
def test_everything_else_is_not_known(head: bytes) -> None:
    assert sniff(head) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_looked_at_without_a_fault_and_only_the_first_count(head: bytes) -> None:
    assert sniff(head) in {None, *UPLOADABLE}
    assert sniff(head) == sniff(head[:SNIFF_BYTES])


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "image"),
        ("video/mp4", "video"),
        ("audio/wav", "audio"),
        ("text/plain", "text"),
        ("application/json", "data"),
        ("imagery/x", "data"),
        ("", "data"),
    ],
)
def test_media_types_are_of_a_kind(media_type: str, kind: str) -> None:
    assert kind_of(media_type) == kind


def test_known_types_have_their_usual_endings_and_unknown_ones_a_plain_one() -> None:
    assert [extension_for(media_type) for media_type in UPLOADABLE] == [".jpg", ".png", ".gif", ".webp", ".avif"]
    assert extension_for("application/x-msdownload") == ".bin"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("holiday.jpg", "holiday.jpg"),
        ("Überraschung 🌅.png", "Überraschung 🌅.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\picture.png", "picture.png"),
        ("..", "fallback"),
        ("", "fallback"),
        ("/", "fallback"),
        ("a/", "fallback"),
        (".bashrc", "bashrc"),
        ("a\x00b\r\nc.png", "abc.png"),
        ("gpj.\u202eexe", "gpj.exe"),
        ('a"b<c>.png', "abc.png"),
        ("zero\u200bwidth\ufeff.png", "zerowidth.png"),
        ("x" * 64_000 + ".png", "x" * 96 + ".png"),
        ("a" + "." * 99 + "b", "b"),
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_a_name_is_only_a_name(name: str, safe: str) -> None:
    assert safe_filename(name, fallback="fallback") == safe


@given(st.text(max_size=300))
@example("a" + " " * 150 + "b.png")
@example("\ud800.png")
@example("x" * 30 + "." * 99 + "hidden")
def test_whatever_a_caller_calls_a_file_its_name_can_be_shown_and_stored(name: str) -> None:
    safe = safe_filename(name, fallback="fallback")

    assert 1 <= len(safe) <= 100
    assert not set(safe) & set('/\\<>:"|?*')
    assert not any(unicodedata.category(letter).startswith("C") for letter in safe)
    assert safe == safe.strip(" .")
    assert safe.encode()
    assert safe_filename(safe, fallback="other") == safe
