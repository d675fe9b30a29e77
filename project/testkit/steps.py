"""A database and an object store whose every operation can be waited for or refused: to let a process die, or others
run, in between.

Operations really happen, on the real servers; only the moment before each of them belongs to the test.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Self, TypeVar, cast

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.cursor import AsyncCursor

from reelwork.objects.s3 import ObjectStore
from reelwork.store.client import Database, Document

T = TypeVar("T")
Before = Callable[[], Awaitable[None]]

_OPERATIONS = frozenset(
    {
        "aggregate",
        "bulk_write",
        "count_documents",
        "delete_many",
        "delete_one",
        "distinct",
        "find_one",
        "find_one_and_delete",
        "find_one_and_update",
        "insert_many",
        "insert_one",
        "update_many",
        "update_one",
    }
)


_OBJECT_OPERATIONS = frozenset({"abort_uploads", "delete", "get_file", "head", "put_file"})


def stepped_objects(objects: ObjectStore, before: Before) -> ObjectStore:
    """The object store, with `before` awaited before every operation that reads or changes an object."""
    return cast("ObjectStore", _Objects(objects, before))


def stepped(database: Database, before: Before) -> Database:
    """The database, with `before` awaited before every operation on its collections."""
    return cast("Database", _Database(database, before))


class Died(BaseException):
    """The process ended here: a BaseException, since nothing in a dead process is caught."""


class Mortality:
    """Lets whoever uses the database die before a given operation; `spare` nobody dies."""

    def __init__(self) -> None:
        self._left: int | None = None

    def die_before(self, operation: int | None) -> None:
        """Die before this many further operations are done (0: before the first); None: live."""
        self._left = operation

    async def __call__(self) -> None:
        """Before every operation."""
        if self._left == 0:
            raise Died
        if self._left is not None:
            self._left -= 1


class Turns:
    """Runs several coroutines one database operation at a time, in an order that the test chooses."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Task[Any], asyncio.Future[None]] = {}

    async def __call__(self) -> None:
        """Before every operation: wait for one's turn. Whoever is not run by `play` need not wait."""
        task = asyncio.current_task()
        if task is None or task.get_name() != _PLAYER:
            return
        self._waiting[task] = asyncio.get_running_loop().create_future()
        await self._waiting[task]

    async def play(
        self, *parts: Coroutine[Any, Any, T], choices: Iterable[int], look: Callable[[], Awaitable[None]]
    ) -> list[T]:
        """What the coroutines return. Each choice, taken modulo those that can go on, says who does one operation;
        when the choices are used up the rest go on one after the other. `look` is awaited after every operation."""
        players = [asyncio.create_task(part, name=_PLAYER) for part in parts]
        for choice in itertools.chain(choices, itertools.repeat(0)):
            await self._settled(players)
            await look()
            ready = [player for player in players if not player.done()]
            if not ready:
                break
            self._waiting.pop(ready[choice % len(ready)]).set_result(None)
        return [player.result() for player in players]

    async def _settled(self, players: list[asyncio.Task[T]]) -> None:
        """Until everyone has ended or waits for a turn."""
        while not all(player.done() or player in self._waiting for player in players):  # noqa: ASYNC110
            await asyncio.sleep(0.0002)


_PLAYER = "player"


class _Objects:
    def __init__(self, objects: ObjectStore, before: Before) -> None:
        self._objects = objects
        self._before = before

    def __getattr__(self, name: str) -> Any:  # an operation with its own signature
        member = getattr(self._objects, name)
        if name not in _OBJECT_OPERATIONS:
            return member

        async def operation(*arguments: Any, **options: Any) -> Any:
            await self._before()
            return await member(*arguments, **options)

        return operation


class _Database:
    def __init__(self, database: Database, before: Before) -> None:
        self._database = database
        self._before = before

    def __getitem__(self, name: str) -> "_Collection":
        return _Collection(self._database[name], self._before)

    def get_collection(self, name: str, **options: Any) -> "_Collection":  # the driver's own options
        return _Collection(self._database.get_collection(name, **options), self._before)

    def __getattr__(self, name: str) -> Any:  # whatever else a database has
        return getattr(self._database, name)


class _Collection:
    def __init__(self, collection: AsyncCollection[Document], before: Before) -> None:
        self._collection = collection
        self._before = before

    def find(self, *arguments: Any, **options: Any) -> "_Cursor":  # the driver's own arguments
        return _Cursor(self._collection.find(*arguments, **options), self._before)

    def __getattr__(self, name: str) -> Any:  # an operation with its driver's signature
        member = getattr(self._collection, name)
        if name not in _OPERATIONS:
            raise AttributeError(f"{name} is not known to be an operation: add it to the list")

        async def operation(*arguments: Any, **options: Any) -> Any:
            await self._before()
            return await member(*arguments, **options)

        return operation


class _Cursor:
    def __init__(self, cursor: AsyncCursor[Document], before: Before) -> None:
        self._cursor = cursor
        self._before = before

    def sort(self, *arguments: Any) -> Self:  # the driver's own arguments
        self._cursor.sort(*arguments)
        return self

    def limit(self, count: int) -> Self:
        self._cursor.limit(count)
        return self

    def hint(self, index: str) -> Self:
        self._cursor.hint(index)
        return self

    async def __aiter__(self) -> AsyncIterator[Document]:
        await self._before()
        async for document in self._cursor:
            yield document

    async def to_list(self) -> list[Document]:
        return [document async for document in self]
