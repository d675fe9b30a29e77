"""Luma's dashboard as it changes: `connected`, and then an `update` each second.

There it was open to everybody. Here it wants the scope `admin`: by a key in a header, or where a browser can send none
by a ticket of `POST /v1/stream-tickets`.
"""

from contextlib import suppress
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from gateway.addresses import client_address
from gateway.auth import Caller
from gateway.credentials import presented
from gateway.deps import caller_of
from gateway.envelopes import luma
from gateway.parts import Gateway
from gateway.problems import document
from gateway.services.luma_feed import Socket
from reelwork.domain.account import Scope
from reelwork.domain.errors import InvalidRequest, ReelworkError
from reelwork.domain.ids import new_request_id

log = structlog.get_logger(__name__)

router = APIRouter()


@router.websocket("/ws/dashboard")
async def dashboard_socket(websocket: WebSocket) -> None:
    """Ends with the life of streams, when its key ends, and for a client that does not keep up (1013: come back)."""
    gateway: Gateway = websocket.app.state.gateway
    request_id = new_request_id()
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            caller = await _operator(websocket, gateway)
            place = gateway.luma_feed.place(caller.account.id)
        except ReelworkError as error:
            told = luma(error, document(error, instance=websocket.url.path, request_id=request_id))
            headers = {"X-Request-ID": request_id, "Cache-Control": "no-store"}
            await websocket.send_denial_response(JSONResponse(told.body, told.status, headers))
            return
        with place, suppress(WebSocketDisconnect):  # gone while it was told something
            await websocket.accept()
            await websocket.send_json({"type": "connected", "timestamp": datetime.now(UTC).isoformat()})
            code = await gateway.luma_feed.follow(
                Socket(send=websocket.send_text, receive=websocket.receive),
                admitted=lambda: gateway.access.authenticator.still_admits(caller),
            )
            if code is not None:
                await websocket.close(code)


async def _operator(websocket: WebSocket, gateway: Gateway) -> Caller:
    """Raises what is wrong with the key or the ticket, RateLimited, and ScopeMissing."""
    ticket, address = websocket.query_params.get("ticket"), client_address(websocket)
    if ticket is None:
        caller = await caller_of(websocket, gateway)
    elif presented(websocket) is not None:
        raise InvalidRequest("There is a key and a ticket.", hint="Send one of them.")
    else:
        async with gateway.access.failed_logins.watched(address):
            caller = await gateway.access.tickets.redeem(ticket, address=address)
    caller.require(Scope.ADMIN)
    return caller
