"""Which messages the broker has not confirmed yet. Pure bookkeeping."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message under way: `pool` of a ticket, None for a notice; `at` in seconds of the loop's clock."""

    pool: str | None
    at: float


class Confirms:
    """Publisher confirms of one channel. Tags count from 1 in the order of publishing (RabbitMQ manual)."""

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[int, Sent] = {}

    def __len__(self) -> int:
        return len(self._open)

    def sent(self, message: Sent) -> int:
        """Note a message that was just published; the tag under which it will be confirmed."""
        self._last += 1
        self._open[self._last] = message
        return self._last

    def resolve(self, tag: int, *, multiple: bool) -> list[Sent]:
        """The messages that an answer settles: one, or with `multiple` all up to the tag."""
        if not multiple:
            message = self._open.pop(tag, None)
            return [] if message is None else [message]
        settled = []
        for known in list(self._open):  # in order of tags, since a dict keeps the order of insertion
            if known > tag:
                break
            settled.append(self._open.pop(known))
        return settled

    def oldest_at(self) -> float | None:
        """When the oldest message under way was sent, or None when all are confirmed."""
        return next((message.at for message in self._open.values()), None)

    def abandon(self) -> list[Sent]:
        """Forget all that is under way, because its channel is gone; what it was."""
        abandoned = list(self._open.values())
        self._open.clear()
        return abandoned
