"""Trying the installation out: load on purpose, and the way to the workers and back."""

from typing import Annotated

from fastapi import APIRouter, Body

from gateway.deps import CanAdmin, Probes, RequestId, Simulations
from gateway.problems import keyed_problems
from gateway.routes.json_body import BODY_REFUSALS, JSON_LIMIT_BYTES, JsonRoute
from reelwork.contract.admin import ProbeBody, ProbeView, SimulationBody, SimulationView
from reelwork.domain.errors import BrokerUnavailable, InvalidState, ModelNotFound, ModelRetired, NobodyAnswered

router = APIRouter(prefix="/v1/admin", tags=["admin"], max_body_size=JSON_LIMIT_BYTES, route_class=JsonRoute)


@router.post("/simulate", responses=keyed_problems(ModelNotFound, ModelRetired, InvalidState, *BODY_REFUSALS))
async def simulate(
    body: SimulationBody, caller: CanAdmin, simulations: Simulations, request_id: RequestId
) -> SimulationView:
    """Submit real jobs for each tier and tell what was accepted and refused; they then run like all others. One
    simulation at a time: 409 while another one submits."""
    return await simulations.run(caller, body, request_id=request_id)


@router.post("/probe", responses=keyed_problems(BrokerUnavailable, NobodyAnswered, *BODY_REFUSALS))
async def probe(
    caller: CanAdmin,  # noqa: ARG001  (the permission)
    probes: Probes,
    body: Annotated[ProbeBody | None, Body()] = None,
) -> ProbeView:
    """From here over the broker to every worker and back, with times. Busy workers answer too: whether tickets are
    taken is told by `tickets` and `running` of the queues."""
    return await probes.round_trip(body or ProbeBody())
