"""Who is asked to do a job: its own model, or the first of those that may stand in for it whose provider answers."""

from dataclasses import replace
from datetime import datetime

import structlog

from reelwork.domain.errors import StoreUnavailable
from reelwork.domain.job import Job
from reelwork.domain.retry import AttemptFailure
from reelwork.domain.route import CIRCUIT_OPEN, ELSEWHERE, next_model, route_of
from reelwork.generator import GenerationError, InvalidInput, ProviderUnavailable
from reelwork.store.circuits import Circuits
from worker.attempt import failure_of
from worker.catalogue import Models, ModelUnavailable
from worker.exchange import AnyRemote

log = structlog.get_logger(__name__)


class CircuitOpen(GenerationError):
    """All providers that might do the job have failed lately, and are left alone."""

    code = CIRCUIT_OPEN


async def model_for(job: Job, models: Models, circuits: Circuits) -> AnyRemote:
    """The model to ask now. The circuit of its provider is closed, or this is the probe that may close it.

    Raises CircuitOpen, ModelUnavailable, InvalidInput where the job's own model does not take its input, and what a
    `setup` raises.
    """
    here = [name for name in route_of(job) if models.is_remote(name) and await _fits(job, models, name)]
    open_until: dict[str, datetime] = {}
    while here:
        name = next_model(job, here=here, open_until=open_until)
        if name is None:
            wait = min(open_until.values()) - (job.started_at or job.created_at)
            raise CircuitOpen("The provider does not answer at the moment.", retry_after=wait.total_seconds())
        model = await models.remote(name)
        until = await circuits.admit(model.provider)
        if until is None:
            return model
        open_until[name] = until
    raise ModelUnavailable(f"This worker runs none of {', '.join(route_of(job))}.")


async def _fits(job: Job, models: Models, name: str) -> bool:
    """Models that only stand in need not take every input; the gateway has asked them, but they may have changed."""
    try:
        (await models.remote(name)).parameters.from_input(job.input)
    except InvalidInput:
        if name == job.model:
            raise
        return False
    return True


async def note(circuits: Circuits, model: AnyRemote, error: Exception | None) -> None:
    """What the provider did when it was asked to begin: all but its own failures count as an answer."""
    try:
        if not isinstance(error, ProviderUnavailable):
            await circuits.succeeded(model.provider)
        elif await circuits.failed(model.provider):
            log.warning("provider.circuit_open", provider=model.provider, reason=error.message)
    except StoreUnavailable as trouble:
        log.warning("provider.not_noted", provider=model.provider, reason=trouble.detail)  # only a hint is lost


def elsewhere(error: Exception) -> AttemptFailure:
    """The failure of a provider that has begun nothing, or has nothing to show for it."""
    failure = failure_of(error)
    return replace(failure, elsewhere=failure.code in ELSEWHERE)
