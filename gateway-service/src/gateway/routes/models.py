"""What can be made."""

from fastapi import APIRouter

from gateway.deps import CanRead, Models
from gateway.problems import keyed_problems
from gateway.views import model_view
from reelwork.contract.models import ModelPage, ModelView
from reelwork.domain.errors import ModelNotFound

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", responses=keyed_problems())
async def list_models(caller: CanRead, models: Models) -> ModelPage:  # noqa: ARG001  (the permission)
    """Every model with its form (JSON Schema), by name."""
    return ModelPage(items=[model_view(listing) for listing in await models.all()])


@router.get("/{name:path}", responses=keyed_problems(ModelNotFound))
async def get_model(name: str, caller: CanRead, models: Models) -> ModelView:  # noqa: ARG001  (the permission)
    """One model: `vendor/name`, or `vendor/name@version`."""
    return model_view(await models.get(name))
