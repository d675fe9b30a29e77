"""The model of the storm: does nothing, as told, and writes down that it ran, before anything can stop it.

A worker finds it as an extra module of models; `CHAOS_RUNS` names the file. What is written there comes from the run
itself, so it tells of runs that no other record knows of.
"""

import json
import os
import time
from collections.abc import Iterator

from reelwork.generator import Artifact, GenerationContext
from testkit.models import Noop, NoopParameters

NAME = "chaos/work"
RUNS = "CHAOS_RUNS"


class Work(Noop):
    """`testkit/noop`, on the record."""

    id = NAME
    title = "Chaos"
    seconds_hint = 0.5

    def generate(self, params: NoopParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """As Noop does."""
        _write_down(ctx.job_id)
        yield from super().generate(params, ctx)


def _write_down(job_id: str) -> None:
    line = json.dumps({"job": job_id, "at": time.time(), "pid": os.getpid()}) + "\n"
    descriptor = os.open(os.environ[RUNS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())  # one write of a short line is whole, among all processes
    finally:
        os.close(descriptor)
