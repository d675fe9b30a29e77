"""What a caller's key is called, and tokens for it."""

from typing import Any

import httpx2 as httpx

from reelwork.domain.account import parse_key
from testkit.caller import Caller, expect

TOKEN = "/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}


def id_of(caller: Caller) -> str:
    """The id of the caller's key."""
    credentials = parse_key(caller.key)
    assert credentials is not None
    return credentials.key_id


def ask_token(caller: Caller, form: dict[str, str], **request: Any) -> httpx.Response:  # Any: the client's own keywords
    """By the form alone: the caller's own header is taken off."""
    request.setdefault("headers", {}).setdefault("Authorization", "")
    return caller.http.post(TOKEN, data=form, **request)


def token_of(caller: Caller, **form: str) -> str:
    """A new token for the caller's key."""
    answer = ask_token(caller, {**GRANT, "client_id": id_of(caller), "client_secret": caller.key, **form})
    return str(expect(200, answer)["access_token"])
