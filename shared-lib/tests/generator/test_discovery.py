"""Models come from a folder of modules and from installed packages, through the same door."""

import importlib
import subprocess
import sys
import zipfile
from textwrap import dedent

import pytest

from reelwork.generator import DuplicateModel, LocalContext, discover

GROUP = "reelwork.models"

MODEL = """
from reelwork.generator import Artifact, MediaGeneratorModel, Parameters

class Words(Parameters):
    text: str = "hello"

class {name}(MediaGeneratorModel[Words]):
    id, version, task = "{id}", "1", "text-to-text"
    title, description = "{name}", "Writes the text to a file."
    produces, is_ai = ("text/plain",), False

    def generate(self, params, ctx):
        path = ctx.workdir / "out.txt"
        path.write_text(params.text)
        yield Artifact(name="out.txt", media_type="text/plain", path=path)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty package of models on the import path, and a way to put modules into it."""
    package = tmp_path / f"models_{tmp_path.name.replace('-', '_')}"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    class Folder:
        name = package.name

        def add(self, path, text):
            (package / path).parent.mkdir(exist_ok=True)
            (package / path).write_text(dedent(text))

        def discover(self):
            importlib.invalidate_caches()
            return discover(self.name, entry_point_group=None)

    yield Folder()
    for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
        del sys.modules[name]


@pytest.fixture
def installed_wheel(tmp_path, monkeypatch):
    """A wheel of a stranger, built by hand after PEP 427 and installed into a folder on the import path."""

    def install(text, entry_points):
        wheel = tmp_path / "acme_models-1.0-py3-none-any.whl"
        info = "acme_models-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("acme_models.py", text)
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: acme-models\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/entry_points.txt", f"[{GROUP}]\n{entry_points}\n")
            archive.writestr(f"{info}/RECORD", "")
        target = tmp_path / "site"
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--offline",
            "--no-deps",
            "--quiet",
            "--target",
            target,
        ]
        subprocess.run([*command, wheel], check=True)  # noqa: S603 - our own arguments
        monkeypatch.syspath_prepend(target)
        importlib.invalidate_caches()

    yield install
    sys.modules.pop("acme_models", None)


def test_models_of_a_folder_are_found(folder):
    folder.add("shout.py", MODEL.format(name="Shout", id="acme/shout"))
    folder.add("whisper.py", MODEL.format(name="Whisper", id="acme/whisper"))

    catalogue = folder.discover()

    assert list(catalogue.models) == ["acme/shout", "acme/whisper"]
    assert catalogue.cards["acme/shout"].title == "Shout"
    assert catalogue.absent == {}


def test_helpers_beside_models_are_not_taken_for_models(folder):
    folder.add("shout.py", MODEL.format(name="Shout", id="acme/shout") + "\nfrom pathlib import Path\n")
    folder.add("voice/__init__.py", "raise RuntimeError('looked into a sub-package')")
    folder.add("_notes.py", "raise RuntimeError('looked into a private module')")

    catalogue = folder.discover()

    assert list(catalogue.models) == ["acme/shout"]
    assert catalogue.absent == {}


def test_model_imported_by_another_module_counts_once(folder):
    folder.add("shout.py", MODEL.format(name="Shout", id="acme/shout"))
    folder.add("yell.py", f"from {folder.name}.shout import Shout, Words\n" + MODEL.format(name="Yell", id="acme/yell"))

    assert list(folder.discover().models) == ["acme/shout", "acme/yell"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import a_package_nobody_has", "needs the package 'a_package_nobody_has', which is not installed"),
        ("from pathlib import Nothing", "cannot be imported"),
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "defines no model"),
    ],
)
def test_module_that_cannot_be_used_is_absent_with_a_reason_and_harms_no_other(folder, text, reason):
    folder.add("broken.py", text)
    folder.add("shout.py", MODEL.format(name="Shout", id="acme/shout"))

    catalogue = folder.discover()

    assert list(catalogue.models) == ["acme/shout"]
    assert reason in catalogue.absent[f"{folder.name}.broken"]


def test_model_that_lacks_something_here_is_absent_with_its_own_reason(folder):
    text = MODEL.format(name="Heavy", id="acme/heavy")
    folder.add("heavy.py", text + '\n    @classmethod\n    def available(cls):\n        return "run make weights"\n')

    catalogue = folder.discover()

    assert catalogue.models == {}
    assert catalogue.absent == {"acme/heavy": "run make weights"}


def test_incomplete_model_is_absent_with_what_it_lacks(folder):
    folder.add(
        "shout.py", MODEL.format(name="Shout", id="acme/shout").replace('produces, is_ai = ("text/plain",), False', "")
    )

    catalogue = folder.discover()

    assert catalogue.absent == {f"{folder.name}.shout.Shout": "Shout does not state: produces, is_ai."}


def test_two_models_of_one_id_are_an_error_that_names_both(folder):
    folder.add("shout.py", MODEL.format(name="Shout", id="acme/same"))
    folder.add("whisper.py", MODEL.format(name="Whisper", id="acme/same"))

    with pytest.raises(
        DuplicateModel, match=rf"acme/same.*{folder.name}\.shout\.Shout.*{folder.name}\.whisper\.Whisper"
    ):
        folder.discover()


def test_model_of_an_installed_wheel_is_found_and_runs(installed_wheel, tmp_path):
    installed_wheel(MODEL.format(name="Shout", id="acme/shout"), "shout = acme_models:Shout")

    model = discover().models["acme/shout"]
    (made,) = model().generate(model.parameters(text="from a wheel"), LocalContext(tmp_path / "work"))

    assert made.path.read_text() == "from a wheel"


def test_entry_point_may_name_a_whole_module(installed_wheel):
    text = MODEL.format(name="Shout", id="acme/shout") + MODEL.format(name="Whisper", id="acme/whisper")
    installed_wheel(text, "everything = acme_models")

    assert {"acme/shout", "acme/whisper"} <= discover().models.keys()


def test_broken_entry_points_are_absent_with_a_reason(installed_wheel):
    installed_wheel(
        MODEL.format(name="Shout", id="acme/shout"),
        "good = acme_models:Shout\ngone = acme_models:Gone\nodd = acme_models:Artifact",
    )

    catalogue = discover()

    assert "acme/shout" in catalogue.models
    assert "Gone" in catalogue.absent["gone (acme_models:Gone)"]
    assert "neither a model class nor a module" in catalogue.absent["odd (acme_models:Artifact)"]


def test_module_named_by_the_operator_is_found(folder):
    folder.add("voice/__init__.py", "")
    folder.add("voice/shout.py", MODEL.format(name="Shout", id="acme/shout"))

    catalogue = discover(entry_point_group=None, modules=[f"{folder.name}.voice.shout", "no.such.module"])

    assert list(catalogue.models) == ["acme/shout"]
    assert catalogue.absent == {"no.such.module": "needs the package 'no', which is not installed"}


def test_wheel_may_not_take_the_id_of_a_built_in(folder, installed_wheel):
    folder.add("shout.py", MODEL.format(name="Shout", id="acme/shout"))
    installed_wheel(MODEL.format(name="Impostor", id="acme/shout"), "shout = acme_models:Impostor")

    with pytest.raises(DuplicateModel, match="Impostor"):
        discover(folder.name)
