"""How the replaced systems answer errors: our errors in their shapes, with their codes and statuses."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gateway.problems import KEY_PROBLEMS, WHEN_AGAIN
from gateway.surfaces import Refusal
from reelwork.contract.base import Wire
from reelwork.contract.problem import LumaError
from reelwork.contract.sources import Detail, FleekError, LumaRefusal, Place
from reelwork.domain.errors import (
    AuthenticationError,
    AuthorizationError,
    InvalidInput,
    InvalidRequest,
    NotFound,
    PaymentRequired,
    QuotaExceeded,
    RateLimited,
    ReelworkError,
    StoreUnavailable,
    UnsupportedMediaType,
    UploadTooLarge,
    UrlRefused,
)

# Addresses that Luma's API had under the same names: their refusals carry its block beside ours.
_SHARED_WITH_LUMA = ("/v1/jobs", "/v1/account", "/v1/admin/")
_MODELS = "#/input/"  # what the model, not the request's own form, has found wrong
_NOT_VALID = 400  # Luma's status for input that is not valid


def luma(error: ReelworkError, problem: Mapping[str, Any]) -> Refusal:
    """`{"error": {code, message, details, …}}`, under Luma's own codes."""
    return Refusal(luma_status(error), LumaRefusal(error=_luma_error(error, problem)).model_dump(mode="json"))


def luma_beside(error: ReelworkError, problem: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Luma's block for a problem document of an address that it had as well."""
    if not path.startswith(_SHARED_WITH_LUMA):
        return {}
    return {"error": _luma_error(error, problem).model_dump(mode="json")}


def luma_status(error: ReelworkError | type[ReelworkError]) -> int:
    """Luma's status: it answered all input that is not valid with 400, but for prompts against its policy."""
    kind = error if isinstance(error, type) else type(error)
    return _NOT_VALID if kind in {InvalidInput, UrlRefused} else kind.status


def _luma_error(error: ReelworkError, problem: Mapping[str, Any]) -> LumaError:
    details = {name: problem[name] for name in ("hint", "limit", "retry_after") if problem.get(name)}
    if problem.get("errors"):
        details["errors"] = [
            {"field": _luma_field(fault["pointer"]), "message": fault["detail"], "type": fault["code"]}
            for fault in problem["errors"]
        ]
    return LumaError(
        code=_luma_code(error),
        message=error.detail,
        details=details or None,
        request_id=problem["request_id"],
        timestamp=problem["timestamp"],
        documentation_url=problem["type"],
    )


def luma_responses(*errors: type[ReelworkError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of one of its addresses."""
    return source_problems(LumaRefusal, *errors, status_of=luma_status)


def _luma_field(pointer: str) -> str:
    """Where it is, as Luma wrote it (`body.duration`), and under Luma's name, not the model's."""
    if not pointer.startswith("#"):
        return pointer.replace("?", "query.").replace(":", ".")
    place = pointer.removeprefix("#/").replace("items/", "requests/", 1).replace("input/", "", 1)
    place = place.replace("webhook/url", "webhook_url").replace("duration_seconds", "duration")
    return f"body.{place.replace('/', '.')}"


def _luma_code(error: ReelworkError) -> str:
    match error:
        case InvalidInput() if type(error) is InvalidInput:
            return _luma_code_of_input([fault.pointer for fault in error.errors])
        case _ if error.source_codes:
            return error.source_codes[0]
        case UrlRefused() | UnsupportedMediaType() | UploadTooLarge():
            return "INVALID_PARAMETERS"
        case PaymentRequired():
            return "QUOTA_EXCEEDED"
        case _ if error.status < 500:
            return "VALIDATION_ERROR"
        case _:
            return "INTERNAL_ERROR"


def _luma_code_of_input(pointers: Iterable[str]) -> str:
    places = [pointer.rpartition(_MODELS) for pointer in pointers]
    if any(found and name == "prompt" for _, found, name in places):
        return "INVALID_PROMPT"
    return "INVALID_PARAMETERS" if any(found for _, found, _ in places) else "VALIDATION_ERROR"


def fleek(error: ReelworkError, problem: Mapping[str, Any]) -> Refusal:
    """`{error_code, message, extras}`."""
    extras = {"request_id": problem["request_id"], "hint": error.hint, "errors": problem.get("errors", [])}
    body = FleekError(error_code=_fleek_code(error), message=error.detail, extras=extras)
    return Refusal(error.status, body.model_dump(mode="json"))


def _fleek_code(error: ReelworkError) -> str:
    """Its names where it has one, else ours as it would spell them."""
    if isinstance(error, NotFound):
        return "RESOURCE_NOT_FOUND"
    return error.code.upper()


def detail(error: ReelworkError, problem: Mapping[str, Any]) -> Refusal:
    """FastAPI's `{"detail": …}`: a list of places for input that is not valid, else a sentence."""
    if isinstance(error, InvalidInput | InvalidRequest) and error.errors:
        return Refusal(error.status, Detail(detail=list(_places(problem["errors"]))).model_dump(mode="json"))
    said = f"{error.detail} {error.hint}" if error.hint else error.detail
    return Refusal(error.status, Detail(detail=said).model_dump(mode="json"))


def luna(error: ReelworkError, problem: Mapping[str, Any]) -> Refusal:
    """The same, with Luna's names and statuses: whoever has no quota left is not authorized (403)."""
    errors = [{**fault, "pointer": _luna_pointer(fault["pointer"])} for fault in problem.get("errors", ())]
    found = detail(error, {**problem, "errors": errors})
    return Refusal(luna_status(error), found.body)


def _luna_pointer(pointer: str) -> str:
    """Under Luna's name, not the job's nor the saved series'."""
    found = re.fullmatch(r"#/(input/values|input/answers|values|name)(/.*)?", pointer)
    if found is None:
        return pointer
    return f"#/{'unique_identifier' if found[1] == 'name' else 'results'}{found[2] or ''}"


def luna_status(error: ReelworkError | type[ReelworkError]) -> int:
    kind = error if isinstance(error, type) else type(error)
    return AuthorizationError.status if issubclass(kind, QuotaExceeded | PaymentRequired) else kind.status


def heygen(error: ReelworkError, problem: Mapping[str, Any]) -> Refusal:
    """The same; of a key it says no more than that it is not the right one."""
    if isinstance(error, AuthenticationError):
        return Refusal(error.status, Detail(detail="Missing or invalid API key").model_dump(mode="json"))
    return detail(error, problem)


def _places(errors: Iterable[Mapping[str, str]]) -> Iterator[Place]:
    for fault in errors:
        pointer = fault["pointer"]
        where = pointer.removeprefix("#/").split("/") if pointer.startswith("#/") else [pointer.lstrip("?#")]
        place = "body" if pointer.startswith("#") else "query"
        yield Place(loc=[place, *where], msg=fault["detail"], type=fault["code"])


def source_problems(
    model: type[Wire],
    *errors: type[ReelworkError],
    keyed: bool = True,
    status_of: Callable[[type[ReelworkError]], int] = lambda error: error.status,
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an address of a replaced system, which answers errors in a shape of its own.

    `status_of`: the status that it has for one of ours. `keyed`: it wants a key. `Any`: FastAPI's own type.
    """
    possible = (InvalidRequest, *(KEY_PROBLEMS if keyed else ()), *errors, *((RateLimited,) if keyed else ()))
    by_status: dict[int, list[str]] = {}
    for error in dict.fromkeys((*possible, StoreUnavailable) if keyed else possible):
        by_status.setdefault(status_of(error), []).append(f"`{error.code}`")
    return {
        status: {
            "description": f"In the words of its original: {', '.join(codes)}",
            "model": model,
            **({"headers": WHEN_AGAIN} if status == 429 else {}),
        }
        for status, codes in by_status.items()
    }
