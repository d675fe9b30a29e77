"""What an operator should know of how a model runs here is in the worker's log, once, when it starts."""

import asyncio
import os
from functools import partial

import pytest
from structlog.testing import capture_logs

from reelwork.generator import Catalogue, ModelCard
from reelwork.runtime.tasks import running
from testkit.waiting import until
from worker.catalogue import Models
from worker.models.web_markdown import WebMarkdown

MODEL = WebMarkdown.id


@pytest.mark.parametrize(
    ("user", "setting", "reason"),
    [(0, "true", "not for root"), (1000, "false", "SANDBOX is false"), (1000, "true", "")],
)
async def test_a_browser_without_its_sandbox_is_warned_of(
    workshop, monkeypatch: pytest.MonkeyPatch, user: int, setting: str, reason: str
):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("REELWORK_BROWSER_SANDBOX", setting)
    models = Models(Catalogue(models={MODEL: WebMarkdown}, cards={MODEL: ModelCard.of(WebMarkdown)}), pool="browser")

    with capture_logs() as lines:
        async with running(partial(models.vouch, workshop.world.stores.models)):
            await asyncio.to_thread(until, lambda: any(line["event"] == "models.published" for line in lines))

    warned = [line["reason"] for line in lines if line["event"] == "model.caution"]
    assert len(warned) == (1 if reason else 0)
    assert all(reason in line for line in warned)
