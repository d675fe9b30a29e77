"""What can be made."""

from fastapi import APIRouter, Response

from gateway.deps import CanRead, ModelList
from gateway.headers import LIFE, announcements
from gateway.problems import keyed_problems
from reelwork.contract.models import ModelPage, ModelView
from reelwork.domain.errors import ModelNotFound

router = APIRouter(prefix="/v1/models", tags=["models"])

_FOUND = {200: {"description": "The model.", "headers": LIFE}, **keyed_problems(ModelNotFound)}


@router.get("", responses=keyed_problems())
async def list_models(caller: CanRead, models: ModelList) -> ModelPage:  # noqa: ARG001  (the permission)
    """Every model with its form (JSON Schema), price, limits and how it has been doing, by name."""
    return ModelPage(items=await models.all())


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
