"""`/docs`: every address, for people."""

from functools import lru_cache

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.browser_policy import DOCS_POLICY
from gateway.reference import STYLE, page

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    return HTMLResponse(_page(request.app), headers={"Content-Security-Policy": DOCS_POLICY})


@router.get("/docs/style.css")
async def style() -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "no-cache"})


@lru_cache(maxsize=1)
def _page(app: FastAPI) -> str:
    return page(app.openapi())


@router.get("/redoc", include_in_schema=False)
async def redoc() -> RedirectResponse:
    """Where FastAPI has its second view of the document, and people look for one."""
    return RedirectResponse("/docs", status_code=308)
