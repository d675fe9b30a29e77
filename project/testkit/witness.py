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
    every member, whose code is in the catalogue with this very status; the request id is in the header too.
    """

    def __init__(self, base_url: str) -> None:
        with httpx.Client(base_url=base_url) as client:
            self.catalogue = {entry["code"]: entry for entry in client.get("/v1/errors").json()["items"]}
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

    def _check_error(self, response: httpx.Response, where: str) -> None:
        if response.request.url.path == "/readyz":  # its 503 is a report, not a problem
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
        for pattern, operations in self._operations:
            if pattern.fullmatch(request.url.path):
                operation = operations.get(request.method.lower())
                return set(operation["responses"]) if operation else None
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """A route's template as a pattern; only model names contain slashes."""
    return re.compile(re.sub(r"\{(\w+)\}", lambda part: ".+" if part[1] == "name" else "[^/]+", path))
