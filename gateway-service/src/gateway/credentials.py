"""The key or token that came with a request: in one of two headers, never in an address, and only one."""

from starlette.requests import HTTPConnection

from gateway.headers import bad_header
from reelwork.domain.account import parse_key
from reelwork.domain.errors import FieldError, InvalidRequest

# Names under which people put keys into addresses.
_IN_ADDRESSES = frozenset({"access_token", "api_key", "api-key", "apikey", "authorization", "token", "x-api-key"})


def presented(request: HTTPConnection) -> str | None:
    """What the caller shows; None for nothing. Raises InvalidRequest for a key in the address, and for two keys."""
    refuse_in_address(request)
    authorization = only(request, "authorization")
    header = only(request, "x-api-key")
    scheme, _, rest = (authorization or "").partition(" ")
    bearer = rest.strip() if scheme.lower() == "bearer" else None
    if bearer is not None and header is not None and bearer != header:
        raise bad_header("x-api-key", "Send one key, either in Authorization or in X-API-Key.")
    return bearer or header


def refuse_in_address(request: HTTPConnection) -> None:
    """Raises InvalidRequest: addresses stand in logs, histories and referrers, where no key belongs."""
    for name, value in request.query_params.multi_items():
        if name.lower() in _IN_ADDRESSES or parse_key(value) or parse_key(name):
            cure = "Send it as 'Authorization: Bearer <key>'. If it was a real key, rotate it: addresses are logged."
            shown = name if name.lower() in _IN_ADDRESSES else "…"
            fault = FieldError(pointer=f"?{shown}", code="key_in_address", detail=cure)
            raise InvalidRequest("A key does not belong into an address.", hint=cure, errors=[fault])


def only(request: HTTPConnection, name: str) -> str | None:
    """The header, if it is there. Raises InvalidRequest if it is there twice."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise bad_header(name, "Send it once.")
    return values[0] if values else None
