"""One server of fakes for the session; each test finds it behaving well."""

from collections.abc import Iterator

import pytest

from reelwork.testing.providers import FakeProviders, running_providers


@pytest.fixture(scope="session")
def served() -> Iterator[FakeProviders]:
    with running_providers() as fakes:
        yield fakes


@pytest.fixture
def fakes(served: FakeProviders) -> FakeProviders:
    served.reset()
    return served
