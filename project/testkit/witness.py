"""Watches every answer that a test gets, and holds it against what the gateway promises of all its answers."""

import re
from typing import Any

import httpx2 as httpx

from testkit.documents import openapi

PROBLEM = "application/problem+json"
_MEMBERS = {"type", "title", "status", "code", "detail", "instance", "request_id", "timestamp", "retryable"}


class Witness:
    """Made from the OpenAPI document and a running gateway's own error catalogue.

    Promised of every answer: never a 500; a status that the operation documents; an error is a problem document with
    every member, whose code is in the catalogue with this very status; the request id is in the header too. Addresses
    of replaced systems refuse in shapes of their own, as they are documented, and say that they are deprecated.
    """

    def __init__(self, base_url: str) -> None:
        with httpx.Client(base_url=base_url) as client:
            self.catalogue = {entry["code"]: entry for entry in client.get("/v1/errors").json()["items"]}
        self._schemas = openapi()["components"]["schemas"]
        self._operations = [(_pattern(path), operations) for path, operations in openapi()["paths"].items()]

    def __call__(self, response: httpx.Response) -> None:
        """For `event_hooks` of a client. Raises AssertionError."""
        where = f"{response.request.method} {response.request.url.path} -> {response.status_code}"
        assert response.headers.get("x-request-id"), f"{where}: no X-Request-ID"
        if response.status_code >= 400:
            response.read()
            self._check_error(response, where)
        documented = self._documented(response.request)
        assert documented is None or str(response.status_code) in documented, f"{where} is not documented"

    def _check_source(self, response: httpx.Response, operation: dict[str, Any], where: str) -> None:
        """An error of a replaced system's address."""
        assert response.status_code != 500, f"{where}: {response.text[:500]}"
        assert response.headers["content-type"] == "application/json", f"{where}: {response.headers['content-type']}"
        answer = operation["responses"].get(str(response.status_code))
        assert answer is not None, f"{where} is not documented"
        name = answer["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert response.json().keys() == self._schemas[name]["properties"].keys(), f"{where}: {response.text[:500]}"

    def _check_error(self, response: httpx.Response, where: str) -> None:
        if response.request.url.path == "/readyz":  # its 503 is a report, not a problem
            return
        operation = self._operation(response.request)
        if operation is not None and PROBLEM not in str(operation["responses"]):
            self._check_source(response, operation, where)
            return
        if response.status_code == 405 and self._is_of_a_source(response.request):
            assert response.headers["content-type"] == "application/json", f"{where}: no answer of the original's"
            return
        assert response.status_code != 500, f"{where}: {response.text[:500]}"
        assert response.headers["content-type"] == PROBLEM, f"{where}: {response.headers['content-type']}"
        problem: dict[str, Any] = response.json()
        assert problem.keys() >= _MEMBERS, f"{where} lacks {_MEMBERS - problem.keys()}"
        assert problem["request_id"] == response.headers["x-request-id"], where
        entry = self.catalogue.get(problem["code"])
        assert entry is not None, f"{where}: {problem['code']} is not in the catalogue"
        assert entry["status"] == problem["status"] == response.status_code, where
        assert problem["type"] == f"/v1/errors/{problem['code']}", where

    def _documented(self, request: httpx.Request) -> set[str] | None:
        """The statuses that the operation says it may answer; None for what is no operation."""
        operation = self._operation(request)
        return set(operation["responses"]) if operation else None

    def _is_of_a_source(self, request: httpx.Request) -> bool:
        """Whether the address is one of a replaced system alone, whatever the method."""
        found = [operations for pattern, operations in self._operations if pattern.fullmatch(request.url.path)]
        return bool(found) and not any(PROBLEM in str(operations) for operations in found)

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        for pattern, operations in self._operations:
            if pattern.fullmatch(request.url.path):
                operation: dict[str, Any] | None = operations.get(request.method.lower())
                return operation
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """A route's template as a pattern; only model names contain slashes."""
    return re.compile(re.sub(r"\{(\w+)\}", lambda part: ".+" if part[1] == "name" else "[^/]+", path))
