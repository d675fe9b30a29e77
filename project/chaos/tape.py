"""Watching MongoDB from outside while it is on fire: every change of a job's status, and the places in all lanes."""

import asyncio
from collections import Counter
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from chaos.history import Change, Document
from chaos.stand import DATABASE

SAMPLE_SECONDS = 0.05
PAUSE_SECONDS = 0.2  # before MongoDB is asked again after an error

_CHANGES = [
    {
        "$match": {
            "$or": [
                {"operationType": "insert"},
                {"operationType": "delete"},
                {"updateDescription.updatedFields.status": {"$exists": True}},
            ]
        }
    }
]


class Tape:
    """`changes` in the order of the oplog, from when it is `rolling`; a kill of mongod leaves no gap, since a change
    stream resumes."""

    def __init__(self, client: AsyncMongoClient[Document]) -> None:
        database = client[DATABASE]
        self._jobs = database["jobs"]
        self._lanes = database.get_collection("lanes", read_concern=ReadConcern("local"))
        self._token: Any = None
        self.rolling = asyncio.Event()
        self.changes: list[Change] = []
        self.most_slots: Counter[str] = Counter()
        self.samples = 0

    @property
    def changed(self) -> Counter[str]:
        """How many changes are on record, by job."""
        return Counter(change.job for change in self.changes)

    async def record(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with await self._jobs.watch(_CHANGES, resume_after=self._token) as stream:
                    self._token = self._token or stream.resume_token
                    self.rolling.set()
                    async for change in stream:
                        self._token = change["_id"]
                        self._take(change)
            except PyMongoError:
                await asyncio.sleep(PAUSE_SECONDS)

    async def sample(self) -> None:
        """Until cancelled. A lane is one document, so that its places are counted at one moment."""
        while True:
            try:
                async for lane in self._lanes.find({}, {"slots.id": 1}):
                    self.most_slots[lane["_id"]] = max(self.most_slots[lane["_id"]], len(lane["slots"]))
                self.samples += 1
            except PyMongoError:
                await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(SAMPLE_SECONDS)

    def _take(self, change: Document) -> None:
        job = str(change["documentKey"]["_id"])
        match change["operationType"]:
            case "insert":
                self.changes.append(Change(job=job, status=change["fullDocument"]["status"], attempt=0))
            case "delete":
                self.changes.append(Change(job=job, status="deleted"))
            case _:
                fields = change["updateDescription"]["updatedFields"]
                self.changes.append(Change(job=job, status=fields["status"], attempt=fields.get("attempt")))
