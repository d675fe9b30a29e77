"""Every error answer: RFC 9457 problem details, from the one table of `reelwork.domain.errors`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.browser_policy import ANSWER_HEADERS, API_POLICY
from gateway.faults import faults
from gateway.full_disk import no_room
from gateway.methods import methods_at
from gateway.surfaces import surfaces_of
from reelwork.contract.problem import FieldProblem, Problem
from reelwork.domain.errors import (
    AccountSuspended,
    AssetNotFound,
    ExpiredToken,
    FieldError,
    InternalError,
    InvalidApiKey,
    InvalidInput,
    InvalidRequest,
    MethodNotAllowed,
    MissingCredentials,
    NotFound,
    PermissionDenied,
    RangeNotSatisfiable,
    RateLimited,
    ReelworkError,
    RouteNotFound,
    ScopeMissing,
    StorageUnavailable,
    StoreUnavailable,
    UploadTooLarge,
    all_errors,
)
from reelwork.domain.remote import told_path
from reelwork.objects.errors import ObjectMissing, ObjectStoreDown

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_VALIDATION_SHAPE = "HTTPValidationError"
_LONGEST_POINTER = 200
# What may be wrong with a key.
KEY_PROBLEMS = (MissingCredentials, InvalidApiKey, ExpiredToken, ScopeMissing, PermissionDenied, AccountSuspended)
WHEN_AGAIN = {
    name: {"description": "When to ask again, in seconds.", "schema": {"type": "string"}}
    for name in ("Retry-After", "X-Retry-After")
}


class ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE


def problems(*errors: type[ReelworkError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer these errors. `Any`: FastAPI's own type for an OpenAPI part."""
    by_status: dict[int, list[type[ReelworkError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    return {
        status: {
            "description": ", ".join(f"`{error.code}`" for error in possible),
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": _one_of(possible)}},
            **({"headers": WHEN_AGAIN} if status == 429 else {}),
        }
        for status, possible in by_status.items()
    }


def _one_of(possible: Sequence[type[ReelworkError]]) -> dict[str, Any]:
    """The schema of an answer that is one of these problems, told apart by their codes."""
    refs = {error.code: f"#/components/schemas/{error.__name__}" for error in possible}
    if len(refs) == 1:
        return {"$ref": next(iter(refs.values()))}
    return {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "code", "mapping": refs},
    }


def problem_schemas() -> dict[str, dict[str, Any]]:
    """A schema for each error class, by its name: a problem of this status, code and title."""
    return {
        error.__name__: {
            "allOf": [{"$ref": "#/components/schemas/Problem"}],
            "type": "object",
            "title": error.__name__,
            "description": error.title,
            "properties": {"status": {"const": error.status}, "code": {"const": error.code}},
        }
        for error in all_errors()
    }


def keyed_problems(*errors: type[ReelworkError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that wants a key: these errors, and whatever can be wrong with key or parameters."""
    return problems(InvalidRequest, *KEY_PROBLEMS, *errors, RateLimited, StoreUnavailable)


def without_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with our problems and without what FastAPI adds by itself and this gateway never answers.

    That is: 422 in FastAPI's own shape, and problems as plain `application/json`. `Any`: OpenAPI is JSON.
    """
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"] = {
                status: _without_plain_json(response)
                for status, response in operation["responses"].items()
                if _VALIDATION_SHAPE not in str(response)
            }
    schemas = document["components"]["schemas"]
    for name in (_VALIDATION_SHAPE, "ValidationError"):
        schemas.pop(name, None)
    schemas |= problem_schemas()
    return document


def _without_plain_json(response: dict[str, Any]) -> dict[str, Any]:
    content = response.get("content", {})
    if MEDIA_TYPE not in content:
        return response
    return response | {"content": {MEDIA_TYPE: content[MEDIA_TYPE]}}


def answer(request: Request, error: ReelworkError, *, members: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem document for an error, with the request's id. `members`: more of the document's own.

    At the addresses of a replaced system: what that answered; see `gateway.envelopes`.
    """
    request_id = request.scope.get("state", {}).get("request_id", "")
    # Here too: the last resort is answered outside of our middleware.
    headers = {"X-Request-ID": request_id, **ANSWER_HEADERS, "Content-Security-Policy": API_POLICY}
    headers["Cache-Control"] = "no-store"
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
        if error.status == 429:
            headers["X-Retry-After"] = headers["Retry-After"]  # the name that clients of the HeyGen API look for
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="reelwork"'
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    content = document(error, instance=request.url.path, request_id=request_id)
    if (surfaces := surfaces_of(request.scope)) is not None:
        if (refusal := surfaces.refusal(request.scope, error, content)) is not None:
            return JSONResponse(refusal.body, status_code=refusal.status, headers=headers)
        content |= surfaces.beside(error, content, request.url.path)
    return ProblemResponse(content | dict(members or {}), status_code=error.status, headers=headers)


def document(error: ReelworkError, *, instance: str, request_id: str) -> dict[str, Any]:
    """The problem as JSON has it (hence `Any`); `instance` is the address that was asked for."""
    problem = Problem(
        type=f"/v1/errors/{error.code}",
        title=error.title,
        status=error.status,
        code=error.code,
        detail=error.detail,
        instance=instance,
        request_id=request_id,
        timestamp=datetime.now(UTC),
        retryable=error.retryable,
        retry_after=error.retry_after_seconds,
        hint=error.hint,
        limit=error.limit,
        errors=[FieldProblem(pointer=_short(e.pointer), code=e.code, detail=e.detail) for e in error.errors],
    )
    return problem.model_dump(mode="json", exclude_none=True)


def install(app: FastAPI) -> None:
    """Make every way of failing answer a problem document."""
    app.add_exception_handler(ReelworkError, _told)
    app.add_exception_handler(ObjectStoreDown, _object_store)
    app.add_exception_handler(ObjectMissing, _object_missing)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _told)
    app.add_exception_handler(Exception, unexpected)


async def _told(request: Request, error: Exception) -> JSONResponse:
    return answer(request, error if isinstance(error, ReelworkError) else no_room(error))


async def _object_store(request: Request, error: Exception) -> JSONResponse:
    log.warning("storage.unavailable", reason=str(error))
    down = StorageUnavailable(
        "The object storage does not answer.", hint="Try again in a moment.", retry_after_seconds=2
    )
    return answer(request, down)


async def _object_missing(request: Request, error: Exception) -> JSONResponse:
    """Whoever removed it, removed it behind our back; for the caller it is gone."""
    log.error("asset.bytes_missing", reason=str(error), path=told_path(request.url.path))
    return answer(request, AssetNotFound("The asset's bytes are gone.", hint="Make or upload it anew."))


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (FastAPI types handlers by Exception)
    return answer(request, invalid(error.errors(), error.body))


def invalid(details: Sequence[dict[str, Any]], body: object) -> ReelworkError:
    """For what pydantic found wrong with a request (its list is untyped): names the place, never repeats the value."""
    fields = faults(details, body)
    summary = f"Not valid: {named(fields)}."
    if any(detail["type"] == "json_invalid" for detail in details):
        return InvalidRequest("The body is not valid JSON.", hint="Send one JSON object.", errors=fields)
    if any(detail["loc"][0] == "body" for detail in details):
        return InvalidInput(summary, hint="Mend the named fields and send it again.", errors=fields)
    return InvalidRequest(summary, hint="Mend the named parameters and send it again.", errors=fields)


def named(faults: Sequence[FieldError]) -> str:
    """The places of these faults for a sentence, each once."""
    return ", ".join(dict.fromkeys(_short(fault.pointer) for fault in faults))


def _short(pointer: str) -> str:
    """Names are the caller's: one that fills the request must not fill the answer too."""
    return pointer if len(pointer) <= _LONGEST_POINTER else f"{pointer[:_LONGEST_POINTER]}…"


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (FastAPI types handlers by Exception)
    if isinstance(error.__cause__, OSError):  # FastAPI takes whatever stops it reading a form for a bad form
        return answer(request, no_room(error.__cause__))
    taken = methods_at(request) if error.status_code in {404, 405} else []
    # A route that has nothing for all addresses of the API stands behind those that have something for other methods.
    status = error.status_code
    if status in {404, 405} and request.method not in taken:
        status = 405 if taken else 404
    found = answer(request, from_status(status, request, reason=error.detail))
    if status == 405:
        found.headers["Allow"] = ", ".join(taken)
    return found


def from_status(status: int, request: Request, *, reason: str = "") -> ReelworkError:
    """Our error for one that a library raised or answered by its status; `reason` is what it says of a bad request."""
    method, path = request.method, request.url.path
    match status:
        case 404:
            return RouteNotFound(f"There is nothing at {path}.", hint="GET /docs lists every address.")
        case 405:
            return MethodNotAllowed(f"{path} does not take {method}.", hint="GET /docs lists every address.")
        case 413:
            limit: int = request.app.state.upload_limit_bytes
            others = (
                "a batch at most 8 MiB, an import or points as CSV at most 64 MiB, any other JSON body at most 1 MiB"
            )
            cure = f"A picture has at most {size(limit)}, {others}."
            error = FieldError(pointer="#", code="too_large", detail=cure)
            return UploadTooLarge("The body is larger than this address takes.", hint=cure, errors=[error])
        case _ if status < 500:
            error = FieldError(pointer="#", code="unreadable", detail=reason or "It cannot be read.")
            return InvalidRequest(
                f"The request cannot be read. {reason}".strip(),
                hint="GET /docs shows what is expected.",
                errors=[error],
            )
        case _:
            return InternalError("Something went wrong on our side.")


def size(limit_bytes: int) -> str:
    """A limit for a sentence: whole MiB, or bytes where it is not."""
    whole, rest = divmod(limit_bytes, 1024 * 1024)
    return f"{limit_bytes:,} bytes" if rest else f"{whole:,} MiB"


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The last resort: the cause goes to the log, the caller gets the request id to quote."""
    log.error("request.failed", path=told_path(request.url.path), exc_info=error)
    return answer(request, InternalError("Something went wrong on our side.", hint="Quote the request id."))


def not_found(error: type[NotFound], kind: str, name: str) -> NotFound:
    """The same words for an id that does not exist and for one that belongs to somebody else."""
    listed = {"batch": "batches", "series": "series"}.get(kind, f"{kind}s")
    cure = "POST /v1/uploads begins one" if kind == "upload" else f"GET /v1/{listed} lists them"
    return error(f"There is no {kind} {name[:100]!r} in your account.", hint=f"Check the id; {cure}.")
