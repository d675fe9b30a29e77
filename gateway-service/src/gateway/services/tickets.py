"""One-time tickets for event streams, since browsers' EventSource can send no key."""

from gateway.auth import Authenticator, Caller
from reelwork.contract.keys import StreamTicketView
from reelwork.domain.account import Scope, new_secret
from reelwork.domain.errors import InvalidApiKey
from reelwork.store.stream_tickets import StreamTickets

_PREFIX = "tkt_"
_LONGEST = 100


class TicketService:
    """Gives tickets, and knows who comes with one."""

    def __init__(self, tickets: StreamTickets, authenticator: Authenticator) -> None:
        self._tickets = tickets
        self._authenticator = authenticator

    async def issue(self, caller: Caller) -> StreamTicketView:
        """A ticket that opens one stream of the caller's account; only a hash of it is kept."""
        secret = new_secret()
        ticket = await self._tickets.add(secret, caller.key.id)
        return StreamTicketView(ticket=_PREFIX + secret, expires_at=ticket.expires_at)

    async def redeem(self, text: str, *, address: str | None, keep: bool = False) -> Caller:
        """Who the ticket was given to, for looking alone: at what is the account's, and with an operator's key at what
        operators see. The ticket is used up, unless it is to be kept.

        Raises InvalidApiKey, and whatever may be wrong with the key behind it by now.
        """
        ticket = None
        if text.startswith(_PREFIX) and len(text) <= _LONGEST and text.isascii():
            ticket = await self._tickets.take(text.removeprefix(_PREFIX), keep=keep)
        if ticket is None:
            raise InvalidApiKey(
                "The ticket is unknown, was used, or is too old.", hint="Get a new one: POST /v1/stream-tickets."
            )
        return await self._authenticator.holder(ticket.key_id, frozenset({Scope.READ, Scope.ADMIN}), address=address)
