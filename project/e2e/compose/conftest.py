"""The compose stack, built and started for these tests alone, beside whatever stack runs already.

It takes minutes where images have to be fetched, so it is asked for: REELWORK_COMPOSE=1 pytest e2e/compose.
"""

import os
from collections.abc import Iterator

import pytest

from e2e.compose.stack import ComposeStack, running_stack

if os.environ.get("REELWORK_COMPOSE") != "1":
    collect_ignore = ["test_stack.py", "test_disk.py"]


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    with running_stack(tmp_path_factory.mktemp("compose")) as stack:
        yield stack
