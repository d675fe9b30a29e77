"""Which workers this machine needs beside the one that the settings name."""

from reelwork.generator import Pool
from worker.catalogue import find_models
from worker.settings import WorkerSettings

# Jobs of providers that are looked at at once: exchanges, and results that are fetched. They cost next to nothing here.
TURNS = 4


def more_pools(worker: WorkerSettings) -> list[str]:
    """The pools of models that can run on this machine, but not in this worker."""
    models = find_models(worker.modules).models.values()
    return sorted({model.resources.pool.value for model in models} - {worker.pool})


def jobs_at_once(pool: str) -> int:
    """What the worker of such a pool runs at once."""
    return TURNS if pool == Pool.REMOTE else 1
