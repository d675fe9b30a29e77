"""Series to filter: a wandering level with noise, and what may be missing of it."""

from collections.abc import Callable

import numpy as np
import pytest

from reelwork.filtering import PLAIN, Arithmetic
from reelwork.filtering.vectorised import VECTORISED

GAPS = {
    "nothing": [],
    "the beginning": [(0, 7)],
    "the end": [(291, 300)],
    "a long piece": [(40, 100)],
    "what follows the first value": [(1, 6)],
    "the beginning, and what follows the first value": [(0, 3), (4, 9)],
    "every third": [(place, place + 1) for place in range(2, 300, 3)],
}


@pytest.fixture(params=[PLAIN, VECTORISED], ids=["plain", "vectorised"])
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    return request.param


@pytest.fixture
def noisy() -> Callable[..., list[float]]:
    """A drawn series of a local linear trend; `missing`: a key of GAPS."""

    def draw(
        count: int = 300, *, level: float = 1.0, noise: float = 2.0, slope: float = 0.0, missing: str = "nothing"
    ) -> list[float]:
        random = np.random.default_rng(11)
        turns = np.cumsum(random.normal(size=count) * slope)
        values = 100 + np.cumsum(random.normal(size=count) * level + turns) + random.normal(size=count) * noise
        for start, stop in GAPS[missing]:
            values[start:stop] = np.nan
        return values.tolist()

    return draw
