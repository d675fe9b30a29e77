"""Routes that ask who is calling before they read what was sent: FastAPI reads and parses the body first."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gateway.deps import admit, is_guard
from reelwork.domain.errors import FieldError, UnsupportedMediaType


class GuardedRoute(APIRoute):
    """A route whose body only callers with the right key can make us read, and which takes no packed body (415)."""

    guards: Sequence[object] = ()

    @property
    def takes_body(self) -> bool:
        """Whether anything of a body is read, by FastAPI or by the route."""
        return self.body_field is not None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if not self.takes_body:
            return handle
        # The bench's bare gateway takes them out.
        self.guards = list(_guards(self.dependant))

        async def guarded(request: Request) -> Response:
            await admit(self.guards, request)
            return await handle(await self.accept(request))

        return guarded

    async def accept(self, request: Request) -> Request:
        """The request that FastAPI reads the body from. Raises UnsupportedMediaType."""
        _refuse_packed(request)
        return request


def _guards(dependant: Dependant) -> Iterator[object]:
    """Those of a route, also where another dependency asks for them."""
    for needed in dependant.dependencies:
        if is_guard(needed.call):
            yield needed.call
        else:
            yield from _guards(needed)


def _refuse_packed(request: Request) -> None:
    """Raises UnsupportedMediaType: a few packed bytes may hold gigabytes."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        cure = "Send the body as it is, without Content-Encoding."
        error = FieldError(pointer="header:content-encoding", code="packed", detail=cure)
        raise UnsupportedMediaType("Packed bodies are not taken.", hint=cure, errors=[error])
