"""Credit that is added to an account, and charges that are given back: by whoever runs the installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from reelwork.domain.audit import Action, Actor
from reelwork.domain.errors import FieldError, InvalidInput, InvalidState, StoreUnavailable
from reelwork.domain.ids import AccountId, JobId, new_entry_id
from reelwork.domain.ledger import Entry, EntryKind, refund_id
from reelwork.domain.money import CURRENCY, dollars
from reelwork.engine.accounts import record_act
from reelwork.engine.cancel import job_not_found
from reelwork.engine.settling import RACES, settle
from reelwork.store.client import server_time
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credit in ten-thousandths of a dollar. `name` is the order's own: the same one again adds nothing."""

    account_id: AccountId
    amount: int
    name: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Of what a job was charged; `amount`: a part of it, None: whatever is left. `name` as of a grant."""

    account_id: AccountId
    job_id: JobId
    name: str
    amount: int | None = None
    note: str | None = None


async def grant(stores: Stores, order: Grant, *, by: Actor) -> Entry:
    """Add credit; on whose order, is in the audit log before.

    Raises StoreUnavailable: then it may be there or not, which the same order again finds out.
    """
    account = order.account_id
    await stores.balances.begin(account)
    now, recorded = await server_time(stores.database), False
    for _ in range(RACES):
        snapshot = await stores.books.snapshot(account, limit=0, about=order.name)
        if snapshot is None:
            raise RuntimeError(f"{account} has no balance, which was begun a moment ago")
        if snapshot.history:
            return snapshot.history[0]
        entry = Entry(
            id=f"{order.name}.grant",
            serial=new_entry_id(),
            account_id=account,
            at=now,
            kind=EntryKind.GRANT,
            amount=order.amount,
            note=order.note,
        )
        if not recorded:
            await record_act(stores, by, account, Action.ACCOUNT_CREDITED, _told(order, entry))
            recorded = True
        if await stores.books.enter(snapshot.balance, [entry]):
            log.info("ledger.granted", account_id=account, amount=order.amount, entry=entry.id)
            await _carry_over(stores, account, now)
            return entry
    raise _busy()


async def refund(stores: Stores, order: Refund, *, by: Actor) -> Entry:
    """Give back what a job was charged; on whose order, is in the audit log before.

    All refunds of a job together are at most its charge.

    Raises JobNotFound, InvalidState (it was charged nothing, or all was given back), InvalidInput (more than is left),
    StoreUnavailable: then it may be there or not, which the same order again finds out.
    """
    account, job = order.account_id, order.job_id
    now, recorded = await server_time(stores.database), False
    await settle(stores.books, account, now)
    if await stores.jobs.get(account, job) is None:
        raise job_not_found(job)
    for _ in range(RACES):
        snapshot = await stores.books.snapshot(account, limit=0, about=job)
        if snapshot is None:
            raise _nothing_charged()
        known = [entry for entry in snapshot.history if entry.kind is EntryKind.REFUND and entry.hold == order.name]
        if known:
            return known[0]
        entry = _refunding(order, snapshot.history, now)
        if not recorded:
            await record_act(stores, by, account, Action.JOB_REFUNDED, _told(order, entry) | {"job_id": job})
            recorded = True
        if await stores.books.enter(snapshot.balance, [entry]):
            log.info("ledger.refunded", account_id=account, job_id=job, amount=entry.amount)
            await _carry_over(stores, account, now)
            return entry
    raise _busy()


def _refunding(order: Refund, history: Sequence[Entry], now: datetime) -> Entry:
    charges = [entry for entry in history if entry.kind is EntryKind.CHARGE]
    refunds = [entry for entry in history if entry.kind is EntryKind.REFUND]
    given_back = sum(entry.amount for entry in refunds)
    left = sum(entry.charged for entry in charges) - given_back
    if left <= 0:
        raise _nothing_charged()
    if order.amount is not None and order.amount > left:
        detail = f"At most {dollars(left)} {CURRENCY} of its charge are left."
        fault = FieldError(pointer="#/amount", code="too_large", detail=detail)
        raise InvalidInput("More is to be given back than was charged.", hint=detail, errors=[fault])
    amount = left if order.amount is None else order.amount
    return Entry(
        id=refund_id(order.job_id, len(refunds) + 1),
        serial=new_entry_id(),
        account_id=order.account_id,
        at=now,
        kind=EntryKind.REFUND,
        amount=amount,
        job_id=order.job_id,
        round=charges[0].round,
        hold=order.name,
        key_id=charges[0].key_id,
        note=order.note,
        refunded=given_back + amount,
    )


async def _carry_over(stores: Stores, account: AccountId, now: datetime) -> None:
    """It is entered: what follows, the reconciler does as well."""
    try:
        await settle(stores.books, account, now)
    except StoreUnavailable as error:
        log.warning("books.not_kept", account_id=account, reason=error.detail)


def _told(order: Grant | Refund, entry: Entry) -> dict[str, str]:
    """What the audit log says of it; `order` is the same where an order was recorded again after a crash."""
    told = {"amount": dollars(entry.amount), "currency": CURRENCY, "order": order.name}
    return told | ({"note": order.note} if order.note is not None else {})


def _nothing_charged() -> InvalidState:
    return InvalidState(
        "The job was charged nothing, or all of it was given back.", hint="GET /v1/account/ledger?job= tells all of it."
    )


def _busy() -> StoreUnavailable:
    return StoreUnavailable(
        "The account's books change all the time.", hint="Try again in a moment.", retry_after_seconds=1
    )
