"""The one server of all fakes, on loopback, in a thread of its own."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from reelwork.testing.providers import media
from reelwork.testing.providers.behaviour import Behaviour
from reelwork.testing.providers.fal import FakeFal
from reelwork.testing.providers.heygen import FakeHeyGen
from reelwork.testing.providers.luma import FakeLuma
from reelwork.testing.providers.openai_images import FakeOpenAiImages
from reelwork.testing.providers.provider import FakeProvider
from reelwork.testing.providers.replicate import FakeReplicate
from reelwork.testing.providers.runway import FakeRunway

_TYPES = {"png": media.PNG, "mp4": media.MP4, "vtt": media.VTT, "srt": media.SRT}
_EXPIRED = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
_START_SECONDS = 10


class FakeProviders:
    """All fakes and their common address; `url` is empty until it is served."""

    def __init__(self) -> None:
        self.url = ""
        self.replicate = FakeReplicate()
        self.fal = FakeFal()
        self.luma = FakeLuma()
        self.heygen = FakeHeyGen()
        self.runway = FakeRunway()
        self.openai = FakeOpenAiImages()
        self.downloads = 0
        """Outputs that were handed out."""
        self.ready = threading.Event()

    @property
    def all(self) -> tuple[FakeProvider, ...]:
        return (self.replicate, self.fal, self.luma, self.heygen, self.runway, self.openai)

    def named(self, name: str) -> FakeProvider:
        """Raises KeyError."""
        return {provider.name: provider for provider in self.all}[name]

    def reset(self) -> None:
        """All behave well again, and remember nothing."""
        self.downloads = 0
        for provider in self.all:
            provider.reset()

    def behave(self, behaviour: Behaviour) -> None:
        """All behave so from now on; each has a copy."""
        for provider in self.all:
            provider.behaviour = dataclasses.replace(behaviour)

    def served_at(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        """Every fake learns its address and the loop that it runs on."""
        self.url = url
        for provider in self.all:
            provider.url, provider.loop = f"{url}/{provider.name}", loop

    def app(self) -> Starlette:
        """The ASGI application: the providers, their outputs, and `/control` for those in other processes."""

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            self.served_at(self.url, asyncio.get_running_loop())
            self.ready.set()  # the socket listens already: what connects now waits in its queue
            yield

        mounts = [Mount(f"/{provider.name}", routes=provider.routes()) for provider in self.all]
        outputs = Route("/outputs/{provider}/{work}/{name}", self._output)
        control = Route("/control/{provider}", self._control, methods=["GET", "PATCH", "DELETE"])
        return Starlette(routes=[*mounts, outputs, control], lifespan=lifespan)

    async def _output(self, request: Request) -> Response:
        provider = self.named(request.path_params["provider"])
        work, name = provider.works.get(request.path_params["work"]), request.path_params["name"]
        if work is None or work.state != "succeeded" or provider.behaviour.outputs_expired:
            return Response(_EXPIRED, 403, media_type="application/xml")
        media_type = _TYPES[name.rsplit(".", 1)[1]]
        words = f"{work.order.get('prompt') or work.order.get('promptText') or work.id} {name}"
        data = await asyncio.to_thread(media.content, media_type, words)
        self.downloads += 1
        return Response(data, media_type=media_type)

    async def _control(self, request: Request) -> Response:
        provider = self.named(request.path_params["provider"])
        if request.method == "DELETE":
            provider.reset()
        if request.method == "PATCH":
            provider.behaviour = dataclasses.replace(provider.behaviour, **await request.json())
        told = {"paid": provider.paid, "requests": provider.requests, "works": sorted(provider.works)}
        return JSONResponse({**told, "behaviour": dataclasses.asdict(provider.behaviour)})


@contextmanager
def running_providers(*, host: str = "127.0.0.1", port: int = 0) -> Iterator[FakeProviders]:
    """Serve the fakes until the end of the block; port 0 takes a free one."""
    fakes = FakeProviders()
    config = uvicorn.Config(fakes.app(), host=host, port=port, log_config=None, access_log=False, lifespan="on")
    with config.bind_socket() as bound:
        fakes.url = f"http://{host}:{bound.getsockname()[1]}"
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([bound],), name="fake-providers", daemon=True)
        thread.start()
        try:
            if not fakes.ready.wait(_START_SECONDS):
                raise RuntimeError("The fake providers did not start.")
            yield fakes
        finally:
            fakes.reset()
            server.should_exit = True
            thread.join()
