"""Which of the surfaces stand where, as the settings say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.routing import APIRoute

from gateway.envelopes import luma_beside
from gateway.routes.sources import (
    fleek,
    heygen,
    leyline,
    luma,
    luma_admin,
    luma_socket,
    luma_surface,
    luma_videos,
    luna,
)
from gateway.settings import GatewaySettings
from gateway.surfaces import Surface, Surfaces


@dataclass(frozen=True, slots=True)
class Mounted:
    """A surface, with its routes, and those that are WebSockets."""

    surface: Surface
    routers: Sequence[APIRouter]
    sockets: Sequence[APIRouter] = ()

    def paths(self) -> Iterator[str]:
        """The templates of its addresses."""
        for router in self.routers:
            yield from (route.path for route in router.routes if isinstance(route, APIRoute))


def all_surfaces(settings: GatewaySettings) -> list[Mounted]:
    """Every surface that there is, on or off."""
    pictures = leyline.upload_router(settings.upload_limit_bytes)
    return [
        Mounted(luma_surface.SURFACE, [luma.router, luma_videos.router, luma_admin.router], [luma_socket.router]),
        Mounted(fleek.SURFACE, [fleek.router]),
        Mounted(heygen.SURFACE, [heygen.router]),
        Mounted(luna.SURFACE, [luna.router]),
        Mounted(leyline.SURFACE, [pictures, leyline.router]),
    ]


def surfaces(settings: GatewaySettings) -> Surfaces:
    """Those that are on."""
    on = [mounted.surface for mounted in all_surfaces(settings) if mounted.surface.name in settings.surfaces]
    return Surfaces(on, sunset=settings.sources_sunset, shared=luma_beside if "luma" in settings.surfaces else None)
