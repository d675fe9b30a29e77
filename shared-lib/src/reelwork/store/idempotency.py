"""Requests that were sent under a key: who works on one, and what was answered. Kept for a day."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, cast

from pymongo import ASCENDING, IndexModel, ReturnDocument

from reelwork.domain.ids import AccountId
from reelwork.store.client import Database, Document, adapter
from reelwork.store.pipeline import NOW, Expression, later, literal

KEPT = timedelta(hours=24)
# Longer than a request may wait for any single operation. Whoever is slower still does no harm: both make the same
# thing under the same name, and the first answer stays.
LEASE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """One key of one account at one address. `fingerprint` is of the body that was sent with it."""

    account: AccountId
    route: str
    key: str
    fingerprint: str

    @property
    def id(self) -> str:
        digest = hashlib.sha256(f"{self.route}\n{self.key}".encode()).hexdigest()
        return f"{self.account}:{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What the first request was answered, to the byte."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ours:
    """Go on, under this name: whoever takes the request up after a crash is given the same one.

    `subject` names what is made (a job's id), `holder` this very taking. `first`: nobody can have made it before.
    """

    subject: str
    holder: str
    first: bool


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody works on it."""


@dataclass(frozen=True, slots=True)
class OtherBody:
    """The key was used for another body."""


Taking: TypeAlias = Ours | Busy | OtherBody | StoredAnswer


@adapter
class Idempotency:
    """The `idempotency` collection. Each step is one compare-and-set by the database's clock."""

    INDEXES = (
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
        IndexModel([("answer.headers.Location", ASCENDING)], name="location", sparse=True),
        IndexModel([("subject", ASCENDING)], name="subject", sparse=True),
    )

    def __init__(self, database: Database) -> None:
        self._requests = database["idempotency"]

    async def take(self, request: KeyedRequest, *, subject: str, holder: str) -> Taking:
        """Begin, or take over from somebody who was silent for a lease; else what is known of the request."""
        free: Expression = {
            "$or": [
                {"$eq": [{"$type": "$state"}, "missing"]},
                {"$lte": ["$expires_at", NOW]},  # what MongoDB has not removed yet
            ]
        }
        lapsed: Expression = {
            "$and": [
                {"$eq": ["$state", "running"]},
                {"$eq": ["$fingerprint", literal(request.fingerprint)]},
                {"$lte": ["$leased_until", NOW]},
            ]
        }
        new: Document = {
            "state": "running",
            "fingerprint": literal(request.fingerprint),
            "subject": literal(subject),
            "holder": literal(holder),
            "first": True,
            "leased_until": later(LEASE),
            "expires_at": later(KEPT),
            "answer": None,
        }
        over: Document = {"holder": literal(holder), "first": False, "leased_until": later(LEASE)}
        taken: Expression = {"$switch": {"branches": _cases((free, new), (lapsed, over)), "default": {}}}
        found = await self._requests.find_one_and_update(
            {"_id": request.id},
            [{"$replaceWith": {"$mergeObjects": ["$$ROOT", taken]}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return _read(cast("Document", found), request, holder)  # an upsert always answers a document

    async def answered(self, request: KeyedRequest, answer: StoredAnswer) -> StoredAnswer:
        """Store the answer, unless there is one: the first stays. Whoever answers, answers with what this returns."""
        stored = {"status": answer.status, "headers": literal(answer.headers), "body": literal(answer.body)}
        sets: Document = {"state": "done", "answer": stored}
        found = await self._requests.find_one_and_update(
            {"_id": request.id, "subject": {"$exists": True}},
            [{"$set": {name: _unless_done(name, value) for name, value in sets.items()}}],
            projection={"answer": 1},
            return_document=ReturnDocument.AFTER,
        )
        return _answer(found["answer"]) if found is not None else answer

    async def amend(self, account: AccountId, *, location: str, body: bytes) -> None:
        """Let answers that told of this address carry this body from here on: what was in them has been erased."""
        told = {"answer.headers.Location": location, "_id": {"$gt": f"{account}:", "$lt": f"{account};"}}
        await self._requests.update_many(told, {"$set": {"answer.body": body}})

    async def forget(self, account: AccountId, *, subject: str) -> None:
        """Drop answers about this that no `amend` reaches, in whatever form they tell of it. Who repeats such a request
        goes on with what was made, and is answered by what there is of it then."""
        told = {"subject": subject, "state": "done", "answer.headers.Location": {"$exists": False}}
        mine = {"_id": {"$gt": f"{account}:", "$lt": f"{account};"}}
        over: Document = {"state": "running", "first": False, "leased_until": NOW, "answer": None}
        await self._requests.update_many(told | mine, [{"$set": over}])

    async def give_up(self, request: KeyedRequest, ours: Ours, *, unmade: bool) -> None:
        """This request was refused. `unmade`: certainly nothing was made of it; then the key is free again, for any
        body. Else the next request with this body goes on with it at once."""
        mine: Document = {"_id": request.id, "holder": ours.holder, "state": "running"}
        if unmade and ours.first:
            await self._requests.delete_one(mine)
        else:
            await self._requests.update_one(mine, [{"$set": {"leased_until": NOW}}])


def _cases(*cases: tuple[Expression, Document]) -> list[Document]:
    return [{"case": case, "then": then} for case, then in cases]


def _unless_done(name: str, value: Expression) -> Expression:
    return {"$cond": [{"$eq": ["$state", "done"]}, f"${name}", value]}


def _read(found: Document, request: KeyedRequest, holder: str) -> Taking:
    if found["fingerprint"] != request.fingerprint:
        return OtherBody()
    if found["state"] == "done":
        return _answer(found["answer"])
    if found["holder"] != holder:
        return Busy()
    return Ours(subject=found["subject"], holder=holder, first=found["first"])


def _answer(stored: Document) -> StoredAnswer:
    return StoredAnswer(status=stored["status"], headers=stored["headers"], body=bytes(stored["body"]))
