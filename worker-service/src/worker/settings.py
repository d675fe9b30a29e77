"""Settings of a worker alone; see `reelwork.runtime.settings` for those it shares with the gateway."""

import platform
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from reelwork.runtime.fetching import FetchSettings


class WorkerSettings(FetchSettings):
    """Every field is an environment variable `REELWORK_<NAME>`."""

    pool: Annotated[str, Field(description="Which pool's tickets this worker takes: cpu, gpu, remote, browser.")] = (
        "cpu"
    )
    concurrency: Annotated[int, Field(ge=1, description="Jobs at once: processes of one worker.")] = 2
    niceness: Annotated[
        int,
        Field(
            ge=0, le=19, description="How far models stand back for what else runs on the machine, as `nice` has it."
        ),
    ] = 10
    worker_name: Annotated[str, Field(description="How this worker is called in jobs and logs.")] = platform.node()
    scratch_directory: Annotated[
        Path | None, Field(description="Where jobs keep files while they run. None: the system's temporary folder.")
    ] = None
    grace_seconds: Annotated[
        float, Field(gt=0, description="How long a model may take to stop by itself before it is stopped hard.")
    ] = 10.0
    drain_seconds: Annotated[
        float,
        Field(
            ge=0, description="How long running jobs may go on when the worker is stopped; then they are handed back."
        ),
    ] = 30.0
    alive_file: Annotated[
        Path | None,
        Field(
            description="Touched every two seconds while the worker can take tickets, for health checks. None: none."
        ),
    ] = None
    public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s?#]+[^\s?#/]$",
            description="The gateway as providers reach it, for their webhooks. None: they are only asked.",
        ),
    ] = None
    result_limit_bytes: Annotated[int, Field(gt=0, description="Largest file fetched from a provider.")] = 2 * 1024**3
    result_seconds: Annotated[float, Field(gt=0, description="Longest fetch of one file from a provider.")] = 600.0
    model_modules: Annotated[
        str, Field(description="More modules with models, by import name, comma-separated, beside installed packages.")
    ] = ""

    @property
    def patience(self) -> timedelta:
        return timedelta(seconds=self.drain_seconds)

    @property
    def modules(self) -> list[str]:
        return [name.strip() for name in self.model_modules.split(",") if name.strip()]
