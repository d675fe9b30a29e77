"""docs/providers.md says of every model at a provider how to switch it on and what it costs."""

from pathlib import Path
from typing import Any

import pytest

from reelwork.domain.money import dollars
from reelwork.generator import RemoteModel
from testkit.providers import remote_models

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "providers.md").read_text()


@pytest.mark.parametrize("model", remote_models(), ids=lambda model: model.id)
def test_model_is_described_with_its_key_and_its_price(model: type[RemoteModel[Any]]) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{model.id}` |")]
    price = dollars(model.pricing.amount or model.pricing.base)

    assert f"`{model.credential}`" in PAGE
    assert f"`{model.address_setting()}`" in PAGE
    assert f"${price}" in row
    assert model.task in row
