"""What can be made."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.deps import CanList, CanRead, ModelList
from gateway.headers import LIFE, announcements
from gateway.problems import keyed_problems
from reelwork.contract.models import ModelPage, ModelView
from reelwork.domain.errors import InvalidCursor, ModelNotFound

router = APIRouter(prefix="/v1/models", tags=["models"])

_FOUND = {200: {"description": "The model.", "headers": LIFE}, **keyed_problems(ModelNotFound)}


@router.get("", responses=keyed_problems(InvalidCursor))
async def list_models(
    caller: CanList,  # noqa: ARG001  (the permission)
    models: ModelList,
    cursor: Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=100, description="Without it: all of them.")] = None,
) -> ModelPage:
    """Every model with its form (JSON Schema), price, limits and how it has been doing, by name."""
    items, next_cursor = await models.page(cursor=cursor, limit=limit)
    return ModelPage(items=items, next_cursor=next_cursor, has_more=next_cursor is not None)


@router.get("/{name:path}/versions/{version}", responses=_FOUND)
async def get_model_version(
    name: str,
    version: str,
    caller: CanRead,  # noqa: ARG001  (the permission)
    models: ModelList,
    response: Response,
) -> ModelView:
    """One version of a model, as long as a worker offers it or did within a day."""
    view, life = await models.version(name, version)
    response.headers.update(announcements(life))
    return view


@router.get("/{name:path}", responses=_FOUND)
async def get_model(
    name: str,
    caller: CanRead,  # noqa: ARG001  (the permission)
    models: ModelList,
    response: Response,
) -> ModelView:
    """One model: `vendor/name`, `vendor/name@version`, or another name for it."""
    view, life = await models.one(name)
    response.headers.update(announcements(life))
    return view
