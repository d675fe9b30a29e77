"""The stack with SeaweedFS in place of LocalStack, as an installation that means to stay would run it."""

import secrets
from pathlib import Path

import pytest

from e2e.compose.stack import running_stack
from testkit.caller import Caller
from testkit.witness import Witness

pytestmark = [pytest.mark.service, pytest.mark.slow]


def test_results_outlive_the_containers_and_production_takes_real_keys(tmp_path: Path) -> None:
    keys = {"REELWORK_S3_ACCESS_KEY": secrets.token_hex(10), "REELWORK_S3_SECRET_KEY": secrets.token_hex(20)}
    with running_stack(tmp_path, COMPOSE_PROFILES="seaweedfs", REELWORK_ENV="production", **keys) as stack:
        caller = Caller(stack.url, stack.key, Witness(stack.url))
        with caller.http:
            output = caller.wait(caller.submit("builtin/landscape", prompt="A calm lake")["id"])["outputs"][0]

            stack.run("down", "--timeout", "60")
            stack.run("up", "--detach", "--wait")

            assert len(caller.content(output["asset_id"])) == output["bytes"]
