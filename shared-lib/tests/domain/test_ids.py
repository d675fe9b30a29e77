"""Ids that sort by time, tell their kind, and hold a UUID."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain import ids
from reelwork.domain.ids import decode, encode, job_id_of, job_uuid, lane_id, uuid7

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
UUIDS = st.integers(0, 2**128 - 1).map(lambda value: uuid.UUID(int=value))


@given(UUIDS)
def test_a_uuid_survives_the_way_there_and_back(value: uuid.UUID) -> None:
    letters = encode(value)

    assert decode(letters) == value
    assert len(letters) == 26
    assert set(letters) <= set(LETTERS)


@given(UUIDS, UUIDS)
def test_letters_sort_like_their_uuids(one: uuid.UUID, other: uuid.UUID) -> None:
    assert (encode(one) < encode(other)) == (one < other)


@given(UUIDS)
def test_a_job_id_and_its_uuid_name_each_other(value: uuid.UUID) -> None:
    assert job_uuid(job_id_of(value)) == value


@given(st.text(max_size=40))
def test_whatever_is_not_an_id_is_refused_and_whatever_is_reads_back_the_same(text: str) -> None:
    try:
        value = decode(text)
    except ValueError:
        return
    assert encode(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 25,
        "0" * 27,
        "8" + "0" * 25,  # 129 bits
        "z" * 26,
        "0" * 25 + "i",
        "0" * 25 + "O",
        "0" * 25 + " ",
        "0" * 25 + "٣",
        "A" * 26,
        "0" * 25 + "\n",
    ],
    ids=ascii,
)
def test_near_misses_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base32"):
        decode(text)
    with pytest.raises(ValueError, match="base32"):
        job_uuid(ids.JobId(f"job_{text}"))


def test_the_largest_and_the_smallest_uuid_are_read() -> None:
    assert encode(uuid.UUID(int=0)) == "0" * 26
    assert encode(uuid.UUID(int=2**128 - 1)) == "7" + "z" * 25


def test_uuids_are_of_version_seven_and_carry_the_time() -> None:
    before = datetime.now(UTC).timestamp()
    value = uuid7()
    after = datetime.now(UTC).timestamp()

    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert int(before * 1000) <= value.int >> 80 <= int(after * 1000)


def test_ids_sort_by_the_time_at_which_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (1_700_000_000_000, 1_700_000_000_001, 1_999_999_999_999):
        monkeypatch.setattr("time.time_ns", lambda at=milliseconds: at * 1_000_000)
        made += [ids.new_job_id()]

    assert made == sorted(made)


def test_ids_are_unique_and_tell_their_kind() -> None:
    makers = {
        "acct_": ids.new_account_id,
        "key_": ids.new_key_id,
        "wrk_": ids.new_worker_id,
        "job_": ids.new_job_id,
        "asset_": ids.new_asset_id,
        "req_": ids.new_request_id,
    }

    for prefix, make in makers.items():
        made = {make() for _ in range(500)}
        assert len(made) == 500
        assert all(one.startswith(prefix) and decode(one.removeprefix(prefix)) for one in made)


def test_slots_are_unique_and_tell_nothing() -> None:
    slots = [ids.new_slot_id() for _ in range(500)]

    assert len(set(slots)) == 500
    assert slots != sorted(slots)


def test_a_lane_is_one_account_in_one_pool() -> None:
    one, other = ids.new_account_id(), ids.new_account_id()

    assert len({lane_id("cpu", one), lane_id("gpu", one), lane_id("cpu", other)}) == 3
    assert lane_id("cpu", one) == f"cpu:{one}"
