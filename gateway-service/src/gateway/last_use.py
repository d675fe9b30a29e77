"""When keys were last used. Written behind the requests, which never wait for it, and about once a minute for a key."""

import asyncio
import time

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.ids import KeyId
from reelwork.store.keys import USE_NOTED_EVERY, Keys

log = structlog.get_logger(__name__)

_MOST_REMEMBERED = 10_000


class LastUse:
    """`note` may be called for every request; `run` writes what is due."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._noted: dict[KeyId, float] = {}
        self._due: asyncio.Queue[KeyId] = asyncio.Queue(maxsize=_MOST_REMEMBERED)

    def note(self, key: KeyId) -> None:
        """The key was used now."""
        now = time.monotonic()
        noted = self._noted.get(key)
        if (noted is not None and now - noted < USE_NOTED_EVERY.total_seconds()) or self._due.full():
            return
        if len(self._noted) >= _MOST_REMEMBERED:
            self._noted.clear()
        self._noted[key] = now
        self._due.put_nowait(key)

    async def run(self) -> None:
        """Write, until cancelled. What cannot be written is left out: the next use is noted again."""
        while True:
            key = await self._due.get()
            try:
                await self._keys.note_use(key)
            except StoreUnavailable as error:
                self._noted.pop(key, None)
                log.debug("key.use_not_noted", key_id=key, reason=str(error))
