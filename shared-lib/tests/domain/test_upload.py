"""How uploads are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.upload import MOST_PARTS, SMALLEST_PART_BYTES, Parts

MIB = 1024 * 1024


@given(st.integers(1, 5 * 1024**4), st.integers(SMALLEST_PART_BYTES, 5 * 1024**3))
def test_the_parts_are_the_whole_and_within_the_bounds_of_s3(total: int, wanted: int):
    parts = Parts.of(total, wanted_bytes=wanted)

    sizes = [parts.bytes_of(1)] * (parts.count - 1) + [parts.bytes_of(parts.count)]
    assert sum(sizes) == total
    assert parts.count <= MOST_PARTS
    assert min(sizes) >= 1
    assert all(size >= SMALLEST_PART_BYTES for size in sizes[:-1])


@pytest.mark.parametrize(
    ("total", "count", "last"), [(11 * 64 * MIB, 11, 64 * MIB), (64 * MIB + 1, 2, 1), (734_003_200, 11, 62_914_560)]
)
def test_the_last_part_has_the_rest(total: int, count: int, last: int):
    parts = Parts.of(total, wanted_bytes=64 * MIB)

    assert (parts.count, parts.bytes_of(count)) == (count, last)


def test_a_file_too_large_for_ten_thousand_parts_gets_larger_ones():
    assert Parts.of(10_001 * 64 * MIB, wanted_bytes=64 * MIB).size_bytes == 65 * MIB
