"""What a model needs of the machine that runs it."""

from dataclasses import dataclass
from enum import StrEnum


class Pool(StrEnum):
    """A class of workers; each pool has its own ticket queue and is scaled on its own."""

    CPU = "cpu"
    GPU = "gpu"
    BROWSER = "browser"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Needs of one run. `cpus` is also the number of threads that the model may keep busy.

    `time_limit_seconds` ends a run that hangs; a job may ask for less, never for more.
    """

    pool: Pool = Pool.CPU
    cpus: int = 1
    memory_mb: int = 512
    gpu_memory_mb: int = 0
    time_limit_seconds: float = 300.0

    def __post_init__(self) -> None:
        if self.cpus < 1 or self.memory_mb < 1 or self.gpu_memory_mb < 0 or self.time_limit_seconds <= 0:
            raise ValueError(f"A model's resources must be positive, not {self!r}.")
