"""A model that does nothing useful, exactly as told: for tests and benches of everything around models.

Found like a stranger's module: name `testkit.models` to the worker as an extra module of models.
"""

import os
import random
import time
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from reelwork.generator import (
    Artifact,
    GenerationContext,
    GenerationError,
    InvalidInput,
    MediaGeneratorModel,
    Parameters,
    ProviderUnavailable,
    Resources,
    Seed,
)

TICK_SECONDS = 0.02
CHUNK_BYTES = 1 << 20
CRASH_STATUS = 86


class NoopParameters(Parameters):
    """How the run is to go."""

    seconds: float = Field(default=0, ge=0, le=600, description="How long to run, with progress, before writing.")
    fail: Literal["invalid", "retryable", "fatal", "bug"] | None = Field(default=None, description="How to fail then.")
    crash: bool = Field(default=False, description="End the whole process then, as a segmentation fault would.")
    size_bytes: int = Field(default=64, ge=0, le=1 << 30, description="Size of the text written.")
    seed: Seed = None


class Noop(MediaGeneratorModel[NoopParameters]):
    """Waits, then fails, crashes or writes a text that depends on the seed alone."""

    id = "testkit/noop"
    version = "1"
    title = "No-op"
    description = "Takes the time it is told to, then succeeds, fails or crashes as told."
    task = "text-to-text"
    produces = ("text/plain",)
    resources = Resources(memory_mb=64, time_limit_seconds=900)
    deterministic = True
    is_ai = False
    seconds_hint = 0.1
    examples = ({"seconds": 2}, {"fail": "retryable"})

    def generate(self, params: NoopParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One text file. Raises what `fail` says; stoppable every 20 ms."""
        _pass_time(params.seconds, ctx)
        if params.crash:
            os._exit(CRASH_STATUS)
        _fail(params.fail)
        path = ctx.workdir / "noop.txt"
        letters = random.Random(ctx.seed)  # noqa: S311 - filler, not a secret
        with path.open("wb") as file:
            for begin in range(0, params.size_bytes, CHUNK_BYTES):
                ctx.check()
                file.write(letters.randbytes(min(CHUNK_BYTES, params.size_bytes - begin)).hex().encode()[::2])
        yield Artifact(name="noop.txt", media_type="text/plain", path=path, meta={"seed": ctx.seed})


def _pass_time(seconds: float, ctx: GenerationContext) -> None:
    ticks = round(seconds / TICK_SECONDS)
    for _ in ctx.track(range(ticks), ticks, message="Doing nothing"):
        time.sleep(TICK_SECONDS)


def _fail(kind: str | None) -> None:
    match kind:
        case "invalid":
            raise InvalidInput("The test asked for invalid input.", field="fail")
        case "retryable":
            raise ProviderUnavailable("The test asked for a failure that passes.")
        case "fatal":
            raise GenerationError("The test asked for a failure that stays.")
        case "bug":
            raise ZeroDivisionError("The test asked for a fault in the model's code.")
