"""The result cache: an equal job of the same account that was completed answers a new one, and nothing runs.

Only for models whose cards say that equal parameters and seed give equal bytes. The new job shares the assets of the
one that made them; who removes what is in `erase.py`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from reelwork.domain.ids import AssetId
from reelwork.domain.job import CacheMode, Event, Job, Progress, Status
from reelwork.generator import ModelCard, asset_fields, series_fields
from reelwork.store.stores import Stores

log = structlog.get_logger(__name__)


class ResultCache:
    """Answers new jobs from old ones."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def applied(self, job: Job, card: ModelCard, digests: Mapping[AssetId, str]) -> Job:
        """The job as it is to be stored: as it came, with its key, or completed with the outputs of an equal one.

        `digests`: the sha256 of every asset that its input names. Stores no job. Raises StoreUnavailable.
        """
        if not card.deterministic or job.cache is CacheMode.OFF:
            return job
        known: dict[str, str] = {use.series_id: f"{use.series_id}:{use.points}" for use in job.input_series}
        known.update({str(asset): digest for asset, digest in digests.items()})
        keyed = replace(job, cache_key=cache_key(card, job.input, seed=job.seed, digests=known))
        source = await self._answer(keyed, card)
        answered_at = await self._keep_outputs(source, keyed) if source is not None else None
        if source is None or answered_at is None:
            return keyed
        log.info("job.answered", job_id=job.id, source_job_id=source.id)
        return _answered(keyed, source, at=answered_at)

    async def _answer(self, job: Job, card: ModelCard) -> Job | None:
        """A completed job that says what this one would. A job that asked for no seed wants one that is new."""
        wants_new = card.capabilities.seed and job.input.get("seed") is None
        if job.cache is not CacheMode.ALLOW or wants_new or job.not_before is not None or job.cache_key is None:
            return None
        return await self._stores.jobs.answer(job.account_id, job.cache_key)

    async def _keep_outputs(self, source: Job, job: Job) -> datetime | None:
        """Keep the outputs of `source` for `job`, which is stored in a moment; None when one of them is gone."""
        assets, at = self._stores.assets, None
        for asset in [output.asset_id for output in source.outputs]:
            at = await assets.announce_use(job.account_id, asset, job.id)
            if at is None:
                await assets.commit([asset])  # whoever completed the job may not have come to it yet
                at = await assets.announce_use(job.account_id, asset, job.id)
            if at is None:
                return None
        return at


def _answered(job: Job, source: Job, *, at: datetime) -> Job:
    """Completed at `at`, which is the database's time: what is due is counted from it."""
    keep = job.retention
    return replace(
        job,
        status=Status.COMPLETED,
        seed=source.seed,
        created_at=at,
        queued_at=None,
        completed_at=at,
        progress=Progress(fraction=1.0, updated_at=at),
        outputs=source.outputs,
        events=(Event(seq=1, at=at, type="job.completed", status=Status.COMPLETED, attempt=0),),
        source_job_id=source.source_job_id or source.id,
        inputs_due_at=_after(at, keep.input_seconds),
        outputs_due_at=_after(at, keep.output_seconds),
    )


def _after(moment: datetime, seconds: int | None) -> datetime | None:
    return moment + timedelta(seconds=seconds) if seconds is not None else None


def cache_key(card: ModelCard, values: Mapping[str, Any], *, seed: int, digests: Mapping[str, str]) -> str:
    """A name for the result that this input gives; `values` is any JSON that the model's schema allows.

    Assets count by their content, series by how long they were (what is there never changes), absent values by the
    schema's default, 1.0 like 1. The seed counts where the model has one. Raises KeyError for what has no digest.
    """
    given = card.with_defaults(values)
    for name in (*asset_fields(card.input_schema), *series_fields(card.input_schema)):
        given[name] = _contents(given.get(name), digests)
    given.pop("seed", None)
    identity = [card.name, card.version, seed if card.capabilities.seed else None, _plain(given)]
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _contents(value: Any, digests: Mapping[str, str]) -> Any:
    """What an asset parameter (an id, a list of ids or null) refers to."""
    if isinstance(value, list):
        return [_contents(item, digests) for item in value]
    return digests[value] if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """The same JSON with one way of writing each number."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
