"""The examples in the documents are run as they stand."""

import base64
import json
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from reelwork.domain.tier import PLANS
from reelwork.domain.webhook import WAITS
from reelwork.generator import LocalContext, RemoteModel, RemoteState, discover
from testkit.acme import running_acme

ROOT = Path(__file__).resolve().parents[2]


def example(document: str, name: str) -> str:
    """The code block that follows `<!-- tested: name -->` in a document."""
    found = re.search(
        rf"<!-- tested: {re.escape(name)} -->\n```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL
    )
    assert found is not None, f"{document} has no example {name}"
    return found[1]


@pytest.fixture
def pixelate(tmp_path, monkeypatch):
    (tmp_path / "pixelate.py").write_text(example("docs/extending.md", "pixelate.py"))
    monkeypatch.syspath_prepend(tmp_path)
    yield discover(modules=["pixelate"], entry_point_group=None)
    sys.modules.pop("pixelate", None)


def test_the_model_of_the_guide_is_fifteen_lines_long_and_found(pixelate):
    lines = [line for line in example("docs/extending.md", "pixelate.py").splitlines() if line.strip()]

    assert len(lines) <= 16
    assert pixelate.absent == {}
    assert pixelate.cards["acme/pixelate"].asset_inputs == {"image": ("image/*",)}


def test_the_model_of_the_guide_makes_large_pixels(pixelate, tmp_path):
    Image.linear_gradient("L").resize((64, 48)).save(tmp_path / "photo.png")
    model = pixelate.models["acme/pixelate"]
    context = LocalContext(tmp_path / "work", assets={"asset_a": tmp_path / "photo.png"})

    (made,) = model().generate(model.parameters(image="asset_a", block=16), context)

    with Image.open(made.path) as picture:
        assert picture.size == (64, 48)
        assert len(picture.getcolors()) == 3  # 48 rows in blocks of 16: three bands of one colour each


@pytest.mark.parametrize("block", [0, 257])
def test_the_model_of_the_guide_refuses_blocks_it_cannot_make(pixelate, block):
    with pytest.raises(ValidationError, match="block"):
        pixelate.models["acme/pixelate"].parameters(image="asset_a", block=block)


@pytest.mark.parametrize("document", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?://)([^)#\s]+)", document.read_text())

    missing = [link for link in links if not (document.parent / link).exists()]

    assert missing == []


def test_the_tables_of_addresses_are_complete_and_true():
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    served = {
        f"{method.upper()} {re.sub(r'{.*?}', '{id}', path)}" for path, methods in paths.items() for method in methods
    }

    tables = (ROOT / "README.md").read_text() + (ROOT / "docs/sources.md").read_text()
    told = re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`]*)`", tables)

    assert {re.sub(r"{.*?}", "{id}", address) for address in told} == served


@pytest.mark.parametrize("tier", PLANS)
def test_the_table_of_plans_is_the_one_that_holds(tier):
    rows = re.findall(r"^\|[^|]*\(`(\w+)`\) \|(.*)\|$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    words = {"no limit": None, "no batches": 0}
    place = list(PLANS).index(tier)

    told = {name: cells.split("|")[place].strip() for name, cells in rows}

    assert {name: words[cell] if cell in words else int(cell) for name, cell in told.items()} == asdict(PLANS[tier])


def test_the_tour_names_files_that_exist():
    named = re.findall(r"`((?:gateway|worker|reelwork)/[\w/]+(?:\.py)?)`", (ROOT / "docs/tour.md").read_text())
    homes = {"gateway": "gateway-service/src", "worker": "worker-service/src", "reelwork": "shared-lib/src"}

    missing = [name for name in named if not (ROOT / homes[name.split("/")[0]] / name).exists()]

    assert len(named) > 20
    assert missing == []


def test_the_receiver_of_the_guide_takes_what_is_signed_and_nothing_else():
    scope: dict[str, Any] = {}
    exec(example("docs/webhooks.md", "receive.py"), scope)  # noqa: S102  our own document
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    moment, body = datetime.now(UTC), '{"type": "job.completed"}'
    signature = Webhook(secret).sign("evt_1", moment, body)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}

    assert scope["receive"](body.encode(), headers, secret) == {"type": "job.completed"}
    with pytest.raises(WebhookVerificationError):
        scope["receive"](body.replace("completed", "failed").encode(), headers, secret)


def test_the_waits_of_the_guide_are_those_that_are_kept():
    guide = (ROOT / "docs" / "webhooks.md").read_text().replace("\n  ", " ")

    units = {"s": 1, "min": 60, "h": 3600}
    told = re.search(r"at once, then after (.*?), each", guide)
    assert told is not None
    seconds = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", told[1])]
    assert seconds == [wait.total_seconds() for wait in WAITS[1:]]


def test_the_guides_model_at_a_provider_is_asked_looked_at_and_stopped(tmp_path, monkeypatch):
    (tmp_path / "elsewhere.py").write_text(example("docs/extending.md", "elsewhere.py"))
    monkeypatch.syspath_prepend(tmp_path)
    context = LocalContext(tmp_path / "work", webhook_url="https://reelwork.example/hook")
    with running_acme() as acme:
        monkeypatch.setenv("ACME_API_TOKEN", "secret")
        monkeypatch.setenv("ACME_BASE_URL", acme.url)
        (model_class,) = discover(modules=["elsewhere"], entry_point_group=None).models.values()
        model = model_class()
        assert isinstance(model, RemoteModel)
        acme.instant = 1

        handle = model.submit(model.parameters(prompt="a fox"), context)
        assert isinstance(handle, str)
        states = [model.poll(handle, context).state for _ in range(2)]
        model.cancel(handle, context)

    assert states == [RemoteState.RUNNING, RemoteState.SUCCEEDED]
    assert acme.asked("POST /v1/tasks/task-1/cancel") == 1
