"""The chain of audit entries: whatever is altered in it shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reelwork.domain.audit import (
    INSTALLATION,
    THE_INSTALLATION,
    Action,
    Actor,
    ActorKind,
    AuditEntry,
    Head,
    chain_of,
    follows,
    hash_of,
    next_entry,
)
from reelwork.domain.ids import new_account_id, new_key_id

ACCOUNT = new_account_id()
ACTOR = Actor(kind=ActorKind.KEY, key_id=new_key_id(), ip="192.0.2.7")
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def entry_after(head: Head, **changes: Any) -> AuditEntry:
    terms: dict[str, Any] = {
        "account": ACCOUNT,
        "at": NOON,
        "actor": ACTOR,
        "action": Action.KEY_CREATED,
        "target": "key_1",
        "details": {"name": "ci", "scopes": "read, submit"},
    }
    return next_entry(head, **(terms | changes))


def test_an_entry_carries_the_hash_of_the_one_before() -> None:
    first = entry_after(Head())
    second = entry_after(Head(seq=1, hash=first.hash))

    assert (first.seq, second.seq, second.previous) == (1, 2, first.hash)
    assert follows(Head(), first)
    assert follows(Head(seq=1, hash=first.hash), second)
    assert not follows(Head(), second)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other:1"},
        {"chain": INSTALLATION},
        {"seq": 2},
        {"at": NOON + timedelta(seconds=1)},
        {"account_id": None},
        {"actor": THE_INSTALLATION},
        {"actor": replace(ACTOR, ip=None)},
        {"action": Action.KEY_REVOKED},
        {"target": "key_2"},
        {"details": {"name": "ci"}},
        {"details": {"name": "ci", "scopes": "read, submit", "more": ""}},
        {"previous": "1" * 64},
        {"hash": "1" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_entry_that_was_altered_does_not_fit(change: dict[str, Any]) -> None:
    entry = entry_after(Head())

    assert not follows(Head(), replace(entry, **change))


def test_the_hash_is_the_same_in_every_time_zone_and_order() -> None:
    entry = entry_after(Head())
    elsewhere = replace(entry, at=entry.at.astimezone(timezone(timedelta(hours=9))))
    turned = replace(entry, details=dict(reversed(entry.details.items())))

    assert hash_of(elsewhere) == hash_of(turned) == entry.hash


def test_what_is_about_no_account_is_in_the_chain_of_the_installation() -> None:
    assert chain_of(None) == INSTALLATION != chain_of(ACCOUNT)
