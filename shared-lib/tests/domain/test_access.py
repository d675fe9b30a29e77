"""What a key is bound to, and that nobody gives away more than they have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reelwork.domain.access import PRESETS, Powers, allows_address, allows_model, beyond
from reelwork.domain.account import OWNERS_SCOPES, ApiKey, Scope
from reelwork.domain.ids import new_account_id, new_key_id

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAKER = ApiKey(
    id=new_key_id(), account_id=new_account_id(), digest="0" * 64, scopes=OWNERS_SCOPES, created_at=NOON, name="maker"
)


@pytest.mark.parametrize(
    ("patterns", "model", "allowed"),
    [
        ((), "builtin/landscape", True),
        (("builtin/landscape",), "builtin/landscape", True),
        (("builtin/landscape",), "builtin/landscape2", False),
        (("builtin/*",), "builtin/landscape", True),
        (("builtin/*",), "builtin/deep/er", True),
        (("builtin/*",), "builtin", False),
        (("builtin/*",), "builtins/landscape", False),
        (("a/*", "b/c"), "b/c", True),
        (("a/*", "b/c"), "b/d", False),
    ],
)
def test_models_are_named_exactly_or_by_a_prefix(patterns: tuple[str, ...], model: str, allowed: bool) -> None:
    assert allows_model(patterns, model) is allowed


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ((), None, True),
        ((), "203.0.113.9", True),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "192.0.3.0", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("192.0.2.0/24",), "::192.0.2.1", False),
        (("192.0.2.7/32",), "192.0.2.7", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "192.0.2.1", False),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("192.0.2.0/24",), None, False),
        (("192.0.2.0/24",), "", False),
        (("192.0.2.0/24",), "192.0.2.1, 10.0.0.1", False),
        (("192.0.2.0/24",), "testclient", False),
    ],
)
def test_a_request_comes_from_an_allowed_address_or_not(
    networks: tuple[str, ...], address: str | None, allowed: bool
) -> None:
    assert allows_address(networks, address) is allowed


@pytest.mark.parametrize(
    ("own", "wanted", "field"),
    [
        ({}, {}, None),
        ({}, {"models": ("a/b",), "allowed_ips": ("192.0.2.0/24",), "expires_at": NOON, "spend_cap": 5}, None),
        ({}, {"scopes": frozenset(Scope)}, "scopes"),
        ({"scopes": frozenset(Scope)}, {"scopes": frozenset(Scope)}, None),
        ({"models": ("a/*",)}, {"models": ("a/b", "a/c/*", "a/*")}, None),
        ({"models": ("a/*",)}, {"models": ()}, "models"),
        ({"models": ("a/*",)}, {"models": ("a/b", "ab/c")}, "models"),
        ({"models": ("a/b",)}, {"models": ("a/*",)}, "models"),
        ({"allowed_ips": ("192.0.2.0/24",)}, {"allowed_ips": ("192.0.2.128/25", "192.0.2.7/32")}, None),
        ({"allowed_ips": ("192.0.2.0/24",)}, {"allowed_ips": ()}, "allowed_ips"),
        ({"allowed_ips": ("192.0.2.0/24",)}, {"allowed_ips": ("192.0.0.0/16",)}, "allowed_ips"),
        ({"allowed_ips": ("0.0.0.0/0",)}, {"allowed_ips": ("::/0",)}, "allowed_ips"),
        ({"expires_at": NOON}, {"expires_at": NOON}, None),
        ({"expires_at": NOON}, {"expires_at": NOON + timedelta(seconds=1)}, "expires_at"),
        ({"expires_at": NOON}, {"expires_at": None}, "expires_at"),
        ({"spend_cap": 5}, {"spend_cap": 1}, "spend_cap"),
    ],
)
def test_nobody_gives_away_more_than_they_have(own: dict[str, Any], wanted: dict[str, Any], field: str | None) -> None:
    powers = replace(Powers(name="new", scopes=frozenset({Scope.READ})), **wanted)

    assert beyond(replace(MAKER, **own), powers) == field


def test_only_the_preset_admin_reaches_beyond_the_account() -> None:
    assert {name for name, scopes in PRESETS.items() if Scope.ADMIN in scopes} == {"admin"}
