"""Which methods an address takes."""

from fastapi import Request
from starlette.routing import Match

# Name of the routes that stand for addresses at which there is nothing.
NOTHING_HERE = "nothing_here"


def methods_at(request: Request) -> list[str]:
    """All that this address takes: a framework's own list stops at the first route that it finds there."""
    routes = request.app.routes
    taken = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in routes
            if getattr(route, "name", None) != NOTHING_HERE
        )
    ]
    return ["GET", "HEAD", *taken[1:]] if "GET" in taken else taken
