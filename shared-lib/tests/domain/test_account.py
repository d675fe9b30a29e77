"""Keys: what their owners hold, and what is kept of them."""

import string
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.domain.account import ApiKey, Credentials, Scope, digest, format_key, new_secret, opens, parse_key
from reelwork.domain.ids import KeyId, new_account_id

# Fixed, since cases are named after them: the processes that tests run in have to agree on the names.
SECRET = string.ascii_letters[:43]
KEY = ApiKey(
    id=KeyId("key_01m8084kkvfhb8wgbvq49m1361"),
    account_id=new_account_id(),
    digest=digest(SECRET),
    scopes=frozenset({Scope.READ}),
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
)
SHOWN = format_key(KEY.id, SECRET)


def test_a_key_as_it_was_shown_opens_what_is_kept_of_it() -> None:
    credentials = parse_key(SHOWN)

    assert credentials == Credentials(key_id=KEY.id, secret=SECRET)
    assert opens(KEY, credentials)


def test_nothing_that_is_kept_tells_the_secret() -> None:
    assert SECRET not in repr(KEY)
    assert len(SECRET) == 43
    assert SECRET not in repr(parse_key(SHOWN))
    assert new_secret() != SECRET


@pytest.mark.parametrize(
    "secret",
    ["", "0" * 64, "0" * 43, SECRET[:-1], SECRET + "0", SECRET.upper(), SECRET[::-1], digest(SECRET), KEY.digest],
)
def test_another_secret_opens_nothing(secret: str) -> None:
    assert secret == SECRET or not opens(KEY, Credentials(key_id=KEY.id, secret=secret))


def test_a_revoked_key_opens_nothing() -> None:
    assert not opens(replace(KEY, revoked=True), Credentials(key_id=KEY.id, secret=SECRET))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "rw",
        "rw__",
        SHOWN[:-1],
        SHOWN + "0",
        SHOWN + " ",
        " " + SHOWN,
        SHOWN + "\n",
        SHOWN + "_",
        "RW" + SHOWN[2:],
        SHOWN.replace("_", "-"),
        f"rw_{KEY.id}_{SECRET}",
        f"rw_$ne_{SECRET}",
        f"rw_{'é' * 26}_{SECRET}",
        f"rw_{KEY.id.removeprefix('key_')}_{'٣' * 64}",
        f"rw_{KEY.id.removeprefix('key_')}_{SECRET[:-1]}\x00",
        "x" * 1_000_000,
    ],
    ids=lambda text: ascii(text[:40]),
)
def test_what_cannot_be_a_key_is_not_one(text: str) -> None:
    assert parse_key(text) is None


def test_keys_without_a_checksum_go_on_working() -> None:
    plain = "0123456789abcdef" * 4

    text = format_key(KEY.id, plain)

    assert text == f"rw_{KEY.id.removeprefix('key_')}_{plain}"
    assert parse_key(text) == Credentials(key_id=KEY.id, secret=plain)


@given(place=st.integers(3, len(SHOWN) - 1), letter=st.sampled_from(string.ascii_letters + string.digits))
def test_a_key_with_one_character_mistyped_is_none(place: int, letter: str) -> None:
    mistyped = SHOWN[:place] + letter + SHOWN[place + 1 :]

    assert mistyped == SHOWN or parse_key(mistyped) is None


@pytest.mark.parametrize("place", range(len(SHOWN) - 1))
def test_a_key_with_two_neighbours_swapped_is_none(place: int) -> None:
    swapped = SHOWN[:place] + SHOWN[place + 1] + SHOWN[place] + SHOWN[place + 2 :]

    assert swapped == SHOWN or parse_key(swapped) is None


@given(st.text())
def test_any_text_is_read_without_a_fault_and_only_keys_are_keys(text: str) -> None:
    credentials = parse_key(text)

    assert credentials is None or format_key(credentials.key_id, credentials.secret) == text
