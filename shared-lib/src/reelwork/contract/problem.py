"""Errors on the wire: RFC 9457 problem details with Reelwork's extension members."""

from typing import Annotated, Any

from pydantic import Field

from reelwork.contract.base import Timestamp, Wire


class FieldProblem(Wire):
    """One wrong value: `pointer` is a JSON pointer into the request, such as `#/input/duration_seconds`."""

    pointer: str
    code: str
    detail: str


class LumaError(Wire):
    """An error as Luma's API told it. `details` depends on the error: its `errors`, `hint`, `limit`."""

    code: str
    message: str
    details: dict[str, Any] | None  # of whatever shape the error has
    request_id: str
    timestamp: Timestamp
    documentation_url: str


class Problem(Wire):
    """Every error answer, `application/problem+json`. Decide by `code`; show `detail` and `hint`.

    `limit`: what was reached, where the error is about a limit. `error`: a word in the answers of
    `POST /v1/oauth/token`, where RFC 6749 wants it with `error_description`; and an object, the error as Luma's API
    had it, at addresses that were there under the same names.
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
    error: Annotated[str | LumaError | None, Field(union_mode="left_to_right")] = None
    error_description: str | None = None


class ErrorEntry(Wire):
    """One error code of the catalogue. `class_name`: what it is called in the OpenAPI document and in clients.

    `families`: the classes that stand above it there. `source_codes`: its names in the systems that Reelwork replaces.
    """

    code: str
    status: int
    title: str
    retryable: bool
    class_name: str
    families: list[str]
    source_codes: list[str]


class ErrorList(Wire):
    items: list[ErrorEntry]
