"""How replaced systems refuse, for tests of their addresses."""

import httpx2 as httpx

from testkit.caller import Json, expect

BLOCK = {"code", "message", "details", "request_id", "timestamp", "documentation_url"}


def luma_refusal(status: int, answer: httpx.Response) -> Json:
    """Luma's error block."""
    body = expect(status, answer)
    assert body.keys() == {"error"}
    error: Json = body["error"]
    assert error.keys() == BLOCK
    assert error["request_id"] == answer.headers["x-request-id"]
    return error
