"""A stranger's wheel with the model of the guide: installed beside Reelwork, it is offered, has a form, and runs.

Nothing of Reelwork changes, and nothing of it is told but where packages are installed.
"""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from testkit import pictures
from testkit.caller import expect
from testkit.services import S3Service
from testkit.stack import Servers, Stack, running_stack

GUIDE = (Path(__file__).resolve().parents[3] / "docs/extending.md").read_text()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files of the guide, as they are printed there, built into a wheel and installed into a folder."""
    source, target = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("packages")
    for name in ("pixelate.py", "pyproject.toml"):
        (source / name).write_text(printed(name))
    run("hatchling", "build", "--target", "wheel", "--directory", "dist", cwd=source)
    (wheel,) = (source / "dist").glob("*.whl")
    run("uv", "pip", "install", "--offline", "--no-deps", "--quiet", "--target", str(target), str(wheel), cwd=source)
    return target


@pytest.fixture(scope="module")
def stack(installed: Path, mongo_url: str, s3: S3Service) -> Iterator[Stack]:
    with running_stack(Servers(mongo_url=mongo_url, s3=s3), packages=installed) as running:
        yield running


def printed(name: str) -> str:
    """The block of the guide below `<!-- tested: name -->`."""
    found = re.search(rf"<!-- tested: {re.escape(name)} -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None, f"the guide has no {name}"
    return found[1]


def run(module: str, *arguments: str, cwd: Path) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=cwd, check=True)  # noqa: S603 - our own arguments


def test_the_source_in_the_guide_is_fifteen_lines():
    assert len([line for line in printed("pixelate.py").splitlines() if line.strip()]) == 15


def test_the_model_of_a_strangers_wheel_is_offered_with_its_form(stack: Stack):
    model = expect(200, stack.owner.http.get("/v1/models/acme/pixelate"))

    assert (model["title"], model["version"], model["available"]) == ("Pixelate", "1", True)
    assert model["produces"] == ["image/png"]
    form = model["input_schema"]
    assert form["required"] == ["image"]
    assert list(form["properties"]) == ["image", "block"]
    assert form["properties"]["image"]["x-accept"] == ["image/*"]
    block = form["properties"]["block"]
    assert (block["default"], block["minimum"], block["maximum"]) == (16, 1, 256)
    assert "acme/pixelate" in [item["name"] for item in expect(200, stack.owner.http.get("/v1/models"))["items"]]


def test_a_job_of_a_strangers_model_runs(stack: Stack):
    owner = stack.owner
    photo = owner.upload(pictures.picture(size=(96, 64)), "photo.jpg")

    job = owner.wait(owner.submit("acme/pixelate", image=photo["id"], block=32)["id"])

    (output,) = job["outputs"]
    assert (output["width"], output["height"], output["content_type"]) == (96, 64, "image/png")
    with Image.open(io.BytesIO(owner.content(output["asset_id"]))) as picture:
        assert len(picture.getcolors(maxcolors=96 * 64)) <= 3 * 2, "three blocks by two"


def test_what_a_strangers_model_refuses_is_refused_before_it_runs(stack: Stack):
    body = {"model": "acme/pixelate", "input": {"block": 0}}

    problem = expect(422, stack.owner.http.post("/v1/jobs", json=body))

    assert {error["pointer"] for error in problem["errors"]} == {"#/input/image", "#/input/block"}
