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

    Raises CircuitOpen, ModelUnavailable, InvalidInput where the job's own model does not take its input, and what the
    `setup` of that one raises. Others are set up when it is their turn, and left out where that fails.
    """
    here, open_until = models.route(job), dict[str, datetime]()
    if job.model in here:
        (await models.remote(job.model)).parameters.from_input(job.input)
    while here:
        name = next_model(job, here=here, open_until=open_until)
        if name is None:
            wait = min(open_until.values()) - (job.started_at or job.created_at)
            raise CircuitOpen("The provider does not answer at the moment.", retry_after=wait.total_seconds())
        model = await _fit(job, models, name)
        if model is None:
            here.remove(name)
            continue
        until = await circuits.admit(model.provider)
        if until is None:
            return model
        open_until[name] = until
    raise ModelUnavailable(f"This worker runs none of {', '.join(route_of(job))}.")


async def _fit(job: Job, models: Models, name: str) -> AnyRemote | None:
    """The model, ready. None for one that only stands in and cannot: it need not take every input, since the gateway
    has asked it but it may have changed, and it may lack something here."""
    if name == job.model:
        return await models.remote(name)
    try:
        model = await models.remote(name)
        model.parameters.from_input(job.input)
    except InvalidInput:
        return None
    except Exception as error:  # the edge to foreign code: whatever a `setup` raises, another model may do the job
        log.warning("fallback.not_set_up", job_id=job.id, model=name, exc_info=error)
        return None
    return model


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
