"""Errors on the wire: RFC 9457 problem details with Reelwork's extension members."""

from reelwork.contract.base import Timestamp, Wire


class FieldProblem(Wire):
    """One wrong value: `pointer` is a JSON pointer into the request, such as `#/input/duration_seconds`."""

    pointer: str
    code: str
    detail: str


class Problem(Wire):
    """Every error answer, `application/problem+json`. Decide by `code`; show `detail` and `hint`.

    `limit`: what was reached, where the error is about a limit. `error` and `error_description`: of
    `POST /v1/oauth/token` only, where RFC 6749 wants them.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    timestamp: Timestamp
    retryable: bool
    retry_after: int | None = None
    hint: str | None = None
    limit: int | None = None
    errors: list[FieldProblem] = []
    error: str | None = None
    error_description: str | None = None


class ErrorEntry(Wire):
    """One error code of the catalogue."""

    code: str
    status: int
    title: str
    retryable: bool


class ErrorList(Wire):
    items: list[ErrorEntry]
