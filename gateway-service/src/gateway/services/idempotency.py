"""Requests under a key: one effect and one answer, however often and however broken off they are sent."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import structlog

from reelwork.contract.base import Wire
from reelwork.domain.errors import (
    FieldError,
    IdempotencyInProgress,
    IdempotencyKeyMismatch,
    ReelworkError,
    StoreUnavailable,
)
from reelwork.domain.ids import new_request_id
from reelwork.store.idempotency import Busy, Idempotency, KeyedRequest, OtherBody, Ours, StoredAnswer

log = structlog.get_logger(__name__)

Reserve: TypeAlias = Callable[[], str]
Act: TypeAlias = Callable[[Ours], Awaitable[StoredAnswer]]


def json_answer(status: int, view: Wire, headers: Mapping[str, str]) -> StoredAnswer:
    """An answer that can be stored and sent as it is."""
    return StoredAnswer(status=status, headers=dict(headers), body=view.model_dump_json().encode())


class KeyedRequests:
    """Does what a request asks for, once."""

    def __init__(self, store: Idempotency) -> None:
        self._store = store

    async def answer(self, request: KeyedRequest, reserve: Reserve, act: Act) -> tuple[StoredAnswer, bool]:
        """The one answer to this request, and whether it had been given before.

        `reserve` draws a name for what the request makes; `act` makes it under the `subject` that it is given, which
        after a crash is the one that was drawn first. So `act` has to take what it finds under that name for its own
        work; it need not look where it is the `first`.

        Raises IdempotencyInProgress, IdempotencyKeyMismatch, StoreUnavailable, and whatever `act` raises.
        """
        match await self._store.take(request, subject=reserve(), holder=new_request_id()):
            case StoredAnswer() as known:
                return known, True
            case Busy():
                raise IdempotencyInProgress(
                    "The first request with this idempotency key is still under way.",
                    hint="Send the same request again in a moment: it gets the first one's answer.",
                    retry_after_seconds=1,
                )
            case OtherBody():
                raise _mismatch()
            case Ours() as ours:
                return await self._go_on(request, ours, act), False

    async def _go_on(self, request: KeyedRequest, ours: Ours, act: Act) -> StoredAnswer:
        try:
            answer = await act(ours)
        except Exception as error:
            # Whatever it was, the key must not stay taken; below 500 it is certain that nothing was made.
            unmade = isinstance(error, ReelworkError) and error.status < 500
            await self._give_up(request, ours, unmade=unmade)
            raise
        return await self._store.answered(request, answer)

    async def _give_up(self, request: KeyedRequest, ours: Ours, *, unmade: bool) -> None:
        try:
            await self._store.give_up(request, ours, unmade=unmade)
        except StoreUnavailable as error:
            log.warning("idempotency.not_given_up", reason=error.detail)  # its lease ends soon


def _mismatch() -> IdempotencyKeyMismatch:
    cure = "Use a new key for a new request, or send the first body again."
    return IdempotencyKeyMismatch(
        "This idempotency key was used for another body.",
        hint=cure,
        errors=[FieldError(pointer="header:idempotency-key", code="used_for_another_body", detail=cure)],
    )
