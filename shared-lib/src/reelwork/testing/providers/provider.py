"""What the fakes of all providers have in common."""

import asyncio
import contextlib
import secrets
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

import httpx2 as httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from reelwork.testing.providers.behaviour import Behaviour, Refused, State, Work

T = TypeVar("T", bound=BaseModel)
Answer: TypeAlias = Callable[[Request], Awaitable[Response]]

_DOWN = "<html><head><title>503 Service Temporarily Unavailable</title></head><body>no healthy upstream</body></html>"


class Severed(Response):
    """A connection that breaks off in the middle of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's signature)
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})


class FakeProvider(ABC):
    """One provider. Handlers run on the server's loop; tests read and set attributes from their own thread."""

    name: ClassVar[str]
    """The first part of its paths."""
    KEY: ClassVar[str]
    """The one API key that is good, unless a test sets another one as `key`."""
    REFUSALS: ClassVar[Mapping[str, tuple[int, str]]]
    """Documented refusals of an order: code to HTTP status and message."""
    FAILURES: ClassVar[Mapping[str, str]]
    """Documented ends of an accepted order: code to message."""

    def __init__(self) -> None:
        self.url = ""
        self.loop: asyncio.AbstractEventLoop | None = None
        self._hurry = asyncio.Event()
        self._deliveries_under_way: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Forget everything and behave well; who was kept waiting is answered."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._hurry.set)
        self._hurry = asyncio.Event()
        self.key = self.KEY
        self.behaviour = Behaviour()
        self.works: dict[str, Work] = {}
        self.uploads: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()
        self.paid = 0

    @abstractmethod
    def routes(self) -> list[Route]:
        """Its surface, each route made by `self.route`."""

    @abstractmethod
    def authorized(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the key as this provider wants it."""

    @abstractmethod
    def refusal(self, refused: Refused) -> Response:
        """An error in the provider's own words."""

    def webhook(self, work: Work) -> tuple[dict[str, str], bytes]:
        """Headers, signature included, and body of what is sent when a work has ended."""
        raise NotImplementedError(f"{self.name} sends no webhooks.")

    def route(self, method: str, path: str, answer: Answer, *, public: bool = False) -> Route:
        """A route that is counted as `METHOD path`, behaves as told, and asks for the key unless it is public."""

        async def guarded(request: Request) -> Response:
            self.requests[f"{method} {path}"] += 1
            try:
                return await self._hindered(request, public=public) or await answer(request)
            except Refused as refused:
                return self.refusal(refused)

        return Route(path, guarded, methods=[method])

    def accept(self, order: dict[str, Any], *, media_type: str, webhook_url: str | None = None) -> Work:
        """Take an order and its money. Raises Refused as the behaviour says."""
        if self.behaviour.refuse is not None:
            status, message = self.REFUSALS[self.behaviour.refuse]
            raise Refused(status, self.behaviour.refuse, message)
        self.paid += 1
        work = Work(id=self.new_id(), order=order, media_type=media_type, webhook_url=webhook_url)
        self.works[work.id] = work
        if self.behaviour.run_seconds is not None and self.loop is not None:
            self.loop.call_later(self.behaviour.run_seconds, self._end, work)
        return work

    def accepted(self, response: Response) -> Response:
        """The answer to an order, unless the connection is to break before it arrives."""
        if self.behaviour.die_after_accept > 0:
            self.behaviour.die_after_accept -= 1
            return Severed(status_code=response.status_code)
        return response

    def look(self, work: Work) -> Work:
        """The work as one finds it now; looking is what moves it on."""
        if work.has_ended or self.behaviour.hold:
            return work
        work.looks += 1
        if self.behaviour.run_seconds is None and work.looks > self.behaviour.polls:
            self._end(work)
        elif work.state == "queued":
            work.state, work.started = "running", time.time()
        return work

    def find(self, work_id: str) -> Work:
        """Raises Refused (404) for one that was never accepted here."""
        work = self.works.get(work_id)
        if work is None:
            raise Refused(404, "not_found", "The requested resource does not exist.")
        return work

    def finish(self, work_id: str, *, state: State | None = None) -> None:
        """End a work now, from any thread, whatever the behaviour says of when; its webhook is sent."""
        if self.loop is None:
            raise RuntimeError("The server does not run.")
        self.loop.call_soon_threadsafe(lambda: self._end(self.works[work_id], state))

    def new_id(self) -> str:
        return secrets.token_hex(12)

    def output(self, work: Work, name: str) -> str:
        """The signed address of an output."""
        root = self.url.rsplit(f"/{self.name}", 1)[0]
        return f"{root}/outputs/{self.name}/{work.id}/{name}?signature={secrets.token_urlsafe(9)}"

    def _end(self, work: Work, state: State | None = None) -> None:
        if work.has_ended:
            return
        work.failure = self.behaviour.fail
        work.state = state or ("failed" if work.failure else "succeeded")
        work.started = work.started or work.created
        work.ended = time.time()
        self._announce(work)

    def _announce(self, work: Work) -> None:
        if work.webhook_url is None or self.loop is None:
            return
        delivery = self.loop.create_task(self._deliver(work, work.webhook_url))
        self._deliveries_under_way.add(delivery)
        delivery.add_done_callback(self._deliveries_under_way.discard)

    async def _deliver(self, work: Work, url: str) -> None:
        headers, body = self.webhook(work)
        with contextlib.suppress(httpx.HTTPError):  # the receiver's loss; a real provider tries again a few times
            async with httpx.AsyncClient(timeout=10) as client:
                await client.post(url, content=body, headers={"Content-Type": "application/json", **headers})

    async def _hindered(self, request: Request, *, public: bool) -> Response | None:
        if self.behaviour.delay_seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), self.behaviour.delay_seconds)
        if self.behaviour.down:
            return HTMLResponse(_DOWN, status_code=503)
        if not public and not self.authorized(request.headers):
            raise Refused(401, "unauthorized", "Invalid or missing API key.")
        if self.behaviour.throttle > 0:
            self.behaviour.throttle -= 1
            raise Refused(429, "rate_limited", "Too many requests.")
        return None


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent (any JSON inside). Raises Refused for anything else."""
    try:
        body = await request.json()
    except ValueError as error:
        raise Refused(400, "invalid_request", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refused(400, "invalid_request", "The body is not a JSON object.")
    return body


class Order(BaseModel):
    """Base of what providers take. Stricter than some of them are: what nobody documents is refused."""

    model_config = ConfigDict(extra="forbid")


def read_order(kind: type[T], body: Any, *, status: int, code: str) -> T:
    """The body (any JSON) as an order. Raises Refused with the first field that is wrong."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Refused(status, code, f"{field}: {first['msg']}", field=field) from error
