"""The audit log, as those read it whom it is about."""

import re

from gateway.auth import Caller
from gateway.services.pages import foreign_cursor
from reelwork.contract.audit import AuditActor, AuditEntryView, AuditPage, AuditVerification
from reelwork.domain.account import Scope
from reelwork.domain.audit import AuditEntry
from reelwork.domain.ids import AccountId
from reelwork.store.audit import AuditLog

_CURSOR = re.compile(r"seq_([1-9][0-9]{0,14})")


class AuditService:
    """The caller's own chain, or the installation's for administrators."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def page(
        self, caller: Caller, *, of_installation: bool, verify: bool, cursor: str | None, limit: int
    ) -> AuditPage:
        """Newest first. Raises InvalidCursor, and ScopeMissing where the installation's chain needs `admin`."""
        chain = _chain(caller, of_installation=of_installation)
        found = await self._log.page(chain, before=_before(cursor), limit=limit + 1)
        items, has_more = found[:limit], len(found) > limit
        return AuditPage(
            items=[_entry_view(entry) for entry in items],
            next_cursor=f"seq_{items[-1].seq}" if has_more else None,
            has_more=has_more,
            verification=await self._verification(chain) if verify else None,
        )

    async def _verification(self, chain: AccountId | None) -> AuditVerification:
        found = await self._log.verify(chain)
        return AuditVerification(
            holds=found.broken_at is None,
            broken_at=found.broken_at,
            head_seq=found.head.seq,
            head_hash=found.head.hash,
        )


def _chain(caller: Caller, *, of_installation: bool) -> AccountId | None:
    if of_installation:
        caller.require(Scope.ADMIN)
        return None
    return caller.account.id


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    matched = _CURSOR.fullmatch(cursor)
    if matched is None:
        raise foreign_cursor()
    return int(matched[1])


def _entry_view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        seq=entry.seq,
        at=entry.at,
        actor=AuditActor(kind=entry.actor.kind.value, key_id=entry.actor.key_id, ip=entry.actor.ip),
        action=entry.action.value,
        target=entry.target,
        details=entry.details,
        previous=entry.previous,
        hash=entry.hash,
    )
