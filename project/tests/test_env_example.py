"""Every setting is written down in `.env.example`, and reaches its container by `compose.yaml`."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import GatewaySettings
from reelwork.domain.account import parse_key
from reelwork.generator import RemoteModel
from reelwork.runtime.settings import SharedSettings
from testkit.providers import remote_models
from weights.fetch import U2NETP
from worker.foreman import LAST_STEPS
from worker.models.diffusion.settings import DiffusionSettings
from worker.models.web.settings import WebSettings
from worker.settings import WorkerSettings

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLE = (PROJECT / ".env.example").read_text()
COMPOSE = (PROJECT / "compose.yaml").read_text()
# What a container cannot take from outside: the images set these, or the page is not the gateway's there.
OF_THE_IMAGES = {"worker_name", "scratch_directory", "alive_file", "page_directory", "page_key_file"}


def settings() -> list[str]:
    of_models = WebSettings.model_fields | DiffusionSettings.model_fields
    return sorted(GatewaySettings.model_fields | WorkerSettings.model_fields | of_models)


def parse(env: str) -> dict[str, str]:
    lines = (line for line in env.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def make(file: Path) -> dict[str, str]:
    subprocess.run(["/bin/sh", PROJECT / "docker" / "init-env.sh", file], check=True)  # noqa: S603  our own script
    return parse(file.read_text())


@pytest.mark.parametrize("name", settings())
def test_setting_is_in_the_example(name: str) -> None:
    assert re.search(rf"^(# )?REELWORK_{name.upper()}=", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(settings()) - OF_THE_IMAGES))
def test_setting_reaches_its_containers(name: str) -> None:
    shared, services = COMPOSE.split("\nservices:\n")
    gateway, worker = services.split("\n  worker:\n")
    part = (shared,) if name in SharedSettings.model_fields else (gateway, worker)

    assert any(f"  REELWORK_{name.upper()}:" in text for text in part)


@pytest.mark.parametrize("model", remote_models(), ids=lambda model: model.id)
def test_the_key_of_a_provider_is_in_the_example_and_reaches_the_worker_that_asks(
    model: type[RemoteModel[Any]],
) -> None:
    worker = COMPOSE.split("\n  worker-remote:\n")[1]

    assert parse(EXAMPLE)[model.credential] == ""
    assert f"# {model.address_setting()}={model.base_url}\n" in EXAMPLE
    for name in (model.credential, model.address_setting()):
        assert f"      {name}:\n" in worker


def test_a_worker_has_the_time_to_drain_before_its_container_is_killed() -> None:
    """And then to hand its jobs back: see LAST_STEPS of the foreman."""
    stops = re.search(r"\n  worker:\n.*?\n    stop_grace_period: (\d+)s\n", COMPOSE, re.DOTALL)
    assert stops is not None

    assert float(stops[1]) >= WorkerSettings.model_fields["drain_seconds"].default + LAST_STEPS.total_seconds() + 5


@pytest.mark.parametrize("line", re.findall(r"^(?:# )?REELWORK_(\w+)=", EXAMPLE, re.MULTILINE))
def test_example_names_no_setting_that_is_gone(line: str) -> None:
    assert line.lower() in {*settings(), "development_key"}


def test_secrets_are_made_anew_for_every_installation(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other")

    drawn = {name for name, value in parse(EXAMPLE).items() if "<random>" in value}
    assert drawn == {
        "REELWORK_DEVELOPMENT_KEY",
        "REELWORK_SIGNING_SECRET",
        "MONGO_ADMIN_PASSWORD",
        "MONGO_PASSWORD",
        "MONGO_REPLICA_KEY",
        "RABBITMQ_PASSWORD",
        "VALKEY_PASSWORD",
    }
    values = [env[name] for env in (one, other) for name in drawn]
    assert len(set(values)) == len(values)
    assert not any("<" in value for value in [*one.values(), *other.values()])


def test_development_key_has_the_form_of_a_key(tmp_path: Path) -> None:
    assert parse_key(make(tmp_path / "env")["REELWORK_DEVELOPMENT_KEY"]) is not None


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    make(tmp_path / "env")

    assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600


def test_values_of_an_older_file_stay_and_new_variables_are_added(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# mine\nMONGO_PASSWORD=kept\nPAGE_PORT=1234\n")

    env = make(file)

    assert env["MONGO_PASSWORD"] == "kept"
    assert env["PAGE_PORT"] == "1234"
    assert set(env) == set(parse(EXAMPLE))
    assert file.read_text().startswith("# mine\n")
    assert make(file) == env


def test_image_fetches_the_same_weights_as_make_does() -> None:
    script = (PROJECT / "docker" / "fetch-weights.sh").read_text()

    assert f"PACKAGE={U2NETP.package}\n" in script
    assert f"FILE={U2NETP.name}\n" in script
    assert f"SHA256={U2NETP.sha256}\n" in script
