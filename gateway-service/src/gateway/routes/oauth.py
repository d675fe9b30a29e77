"""Tokens for keys, by the words of OAuth 2.0, and tickets for event streams."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from gateway.addresses import client_address
from gateway.credentials import only, refuse_in_address
from gateway.deps import CanRead, OAuth, Tickets, WholeGateway
from gateway.problems import answer, keyed_problems, problems
from gateway.services.oauth import OAuthRefused
from reelwork.contract.keys import PublicKeys, StreamTicketView, TokenView
from reelwork.domain.errors import (
    AccountSuspended,
    ExpiredToken,
    InvalidApiKey,
    InvalidRequest,
    PermissionDenied,
    RateLimited,
    ReelworkError,
    StoreUnavailable,
    UnsupportedMediaType,
    UploadTooLarge,
)

FORM = "application/x-www-form-urlencoded"
FORM_LIMIT_BYTES = 16 * 1024
_UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class _TokenRoute(APIRoute):
    """Error answers have the member `error` of RFC 6749, section 5.2, beside those of every problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except ReelworkError as error:
                word = _word(error)
                members = {"error": word, "error_description": error.detail} if word is not None else {}
                refusal = answer(request, error, members=members)
                refusal.headers.update(_UNSTORED)
                if error.status == 401:
                    refusal.headers["WWW-Authenticate"] = 'Basic realm="reelwork"'
                return refusal

        return handled


router = APIRouter(tags=["account"])
tokens = APIRouter(prefix="/v1/oauth", tags=["account"], max_body_size=FORM_LIMIT_BYTES, route_class=_TokenRoute)


@tokens.post(
    "/token",
    responses=problems(
        *(InvalidRequest, InvalidApiKey, ExpiredToken, AccountSuspended, PermissionDenied),
        *(UploadTooLarge, UnsupportedMediaType, RateLimited, StoreUnavailable),
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {"type": "string", "enum": ["client_credentials"]},
                            "client_id": {"type": "string", "description": "The key's id; or by HTTP Basic."},
                            "client_secret": {"type": "string", "description": "The key, or its last part."},
                            "scope": {"type": "string", "description": "Names with blanks in between."},
                        },
                    }
                }
            },
        }
    },
)
async def create_token(request: Request, gateway: WholeGateway, oauth: OAuth, response: Response) -> TokenView:
    """Exchange a key for a token that lives 15 minutes (RFC 6749, section 4.4). Revoking the key ends its tokens."""
    refuse_in_address(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType("The body is not said to be a form.", hint=f"Send it as 'Content-Type: {FORM}'.")
    response.headers.update(_UNSTORED)
    authorization, address = only(request, "authorization"), client_address(request)
    async with gateway.failed_logins.watched(address):
        return await oauth.token(await request.body(), authorization=authorization, address=address)


@router.get("/.well-known/jwks.json", responses=problems(StoreUnavailable))
async def get_public_keys(oauth: OAuth, response: Response) -> PublicKeys:
    """The public keys of our tokens (RFC 7517). Look again when a token names a key that is not among them."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return await oauth.public_keys()


@router.post("/v1/stream-tickets", status_code=201, responses=keyed_problems())
async def create_stream_ticket(caller: CanRead, tickets: Tickets, response: Response) -> StreamTicketView:
    """A ticket that opens one event stream, once, within a minute: for browsers, whose EventSource sends no key."""
    response.headers.update(_UNSTORED)
    return await tickets.issue(caller)


def _word(error: ReelworkError) -> str | None:
    """The word of the standard; None where it has none (429, 503)."""
    match error:
        case OAuthRefused(error=word):
            return word
        case InvalidApiKey():
            return "invalid_client"
        case PermissionDenied():
            return "unauthorized_client"
        case _ if error.status < 429:
            return "invalid_request"
        case _:
            return None
