"""What a WebM film's structure says, held against films that FFmpeg wrote; and files that only begin like one."""

import io
from contextlib import suppress

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.errors import InvalidInput
from reelwork.domain.film import FilmFacts
from reelwork.domain.media import SNIFF_BYTES
from reelwork.domain.webm import is_webm, webm_facts
from testkit.films import element, webm

PIXELS = 40_000_000


def facts(content: bytes) -> FilmFacts:
    return webm_facts(lambda offset, length: content[offset : offset + length], len(content), limit_pixels=PIXELS)


def encoded(container: str = "webm", **options: str) -> bytes:
    """Six frames of 96 x 64, half a second in all, by FFmpeg."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream("libvpx", rate=12)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), number * 20, np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def test_a_film_of_ffmpeg_is_told_and_measured():
    content = encoded()

    assert is_webm(content[:64])
    assert facts(content) == FilmFacts(width=96, height=64, duration_seconds=pytest.approx(0.5, abs=0.01))


def test_a_live_recording_does_not_say_how_long_it_is():
    assert facts(encoded(live="1")) == FilmFacts(width=96, height=64, duration_seconds=None)


def test_what_goes_on_until_it_ends_is_taken_up_to_there():
    """As browsers record: neither the segment nor a cluster has a size."""
    unknown = b"\x01" + b"\xff" * 7
    content = webm()
    at = content.index(bytes.fromhex("18538067")) + 4
    recorded = content[:at] + unknown + content[at + 8 : -8] + unknown + bytes(500)

    assert facts(recorded).width == 64


def test_other_matroska_is_no_webm():
    assert not is_webm(encoded("matroska")[:64])
    assert not is_webm(webm(doc_type=b"matroska"))


@given(st.binary(max_size=64))
def test_any_bytes_are_looked_at_without_a_fault(head: bytes):
    assert is_webm(head) in {True, False}
    assert is_webm(webm()[:64][:-1] + head[:1])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (webm()[:-1], "broken_film"),
        (webm() + b"more", "broken_film"),
        (webm()[:SNIFF_BYTES], "broken_film"),
        (element("1a45dfa3", element("4282", b"webm")) + element("18538067"), "broken_film"),
        (webm().replace(bytes.fromhex("1f43b675"), bytes.fromhex("1c53bb6b")), "broken_film"),
        (webm().replace(bytes.fromhex("4489"), bytes.fromhex("00ff")), "broken_film"),
        (webm(width=0), "broken_film"),
        (webm(width=20_000, height=20_000), "too_many_pixels"),
        (webm(seconds=100 * 3600), "too_long"),
    ],
)
def test_a_film_that_is_none_or_too_much_is_refused(content: bytes, code: str):
    with pytest.raises(InvalidInput) as refused:
        facts(content)

    assert refused.value.errors[0].code == code


@pytest.mark.parametrize("cut", range(40, len(webm()), 7))
def test_a_damaged_film_is_refused_or_measured_but_never_a_fault(cut: int):
    content = webm()
    damaged = content[:cut] + bytes([content[cut] ^ 0xFF]) + content[cut + 1 :]

    with suppress(InvalidInput):
        assert facts(damaged).width > 0
