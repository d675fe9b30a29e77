"""A short storm over a real Reelwork: the same code as `make chaos`, with few jobs and every kind of fault."""

from pathlib import Path

import pytest

from chaos.campaign import run
from chaos.plan import Kind
from chaos.stand import Size
from run.servers.process import ServerMissing
from testkit.services import unavailable

pytestmark = [pytest.mark.slow, pytest.mark.service]


@pytest.mark.timeout(600)
async def test_every_promise_holds_when_everything_fails_once(tmp_path: Path) -> None:
    size = Size(lease_seconds=3.0, staged_grace_seconds=18.0)
    try:
        outcome = await run(seed=3, jobs=40, folder=tmp_path, size=size)
    except ServerMissing as missing:
        unavailable("RabbitMQ, MongoDB or S3", [str(missing)])

    assert outcome.held, outcome.markdown()
    assert sum(outcome.inflicted.values()) >= len(Kind) - 2, "else it was no storm"
