"""An input policy as an operator might write one; test stacks have it."""

from collections.abc import Iterator, Mapping
from typing import Any

from reelwork.domain.errors import FieldError

REFUSED_SEED = 666


def no_unlucky_seed(model: str, values: Mapping[str, Any]) -> Iterator[FieldError]:
    """Refuses one seed of one model, and nothing else."""
    if model == "testkit/noop" and values.get("seed") == REFUSED_SEED:
        yield FieldError(pointer="#/input/seed", code="unlucky", detail="Take any other seed.")
