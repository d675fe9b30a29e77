"""For autoscalers: KEDA's metrics-api, and scripts around `docker compose up --scale`."""

from fastapi import APIRouter

from gateway.deps import CanAdmin, Scalings
from gateway.problems import keyed_problems
from reelwork.contract.scaling import Scaling

router = APIRouter(prefix="/v1/scaling", tags=["admin"])


@router.get("", responses=keyed_problems())
async def get_scaling(caller: CanAdmin, scaling: Scalings) -> Scaling:  # noqa: ARG001  (the permission)
    """What waits and runs by pool and by model, and how many workers it would keep at work."""
    return await scaling.look()
