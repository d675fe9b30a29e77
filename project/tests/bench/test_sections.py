"""Sections of the bench are measured one after the other in one process."""

import os

from bench.__main__ import environment_kept


def test_what_a_section_sets_is_gone_for_the_next_one(monkeypatch) -> None:
    monkeypatch.setenv("REELWORK_TIERS", "mine")
    with environment_kept():
        os.environ.update({"REELWORK_TIERS": "its", "REELWORK_REDIS_URL": "its"})

    assert os.environ["REELWORK_TIERS"] == "mine"
    assert "REELWORK_REDIS_URL" not in os.environ
