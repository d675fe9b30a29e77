"""What `compose.yaml` promises, read as Docker Compose reads it. No engine is needed for that, only the command."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.compose.stack import PROJECT, write_env

Services = dict[str, dict[str, Any]]  # as Compose describes them

ONE_SHOT = {"account", "mongo-init"}
SOFT_SHUTDOWN_SECONDS = 30


def compose(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", "--host", "unix:///nonexistent", "compose", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603  our own


def available() -> bool:
    return shutil.which("docker") is not None and compose("version").returncode == 0


pytestmark = pytest.mark.skipif(not available(), reason="Docker Compose is not installed")


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("compose-file") / ".env"
    write_env(file)
    return file


@pytest.fixture(scope="module")
def services(env_file: Path) -> Services:
    done = compose("--env-file", str(env_file), "--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    described: Services = json.loads(done.stdout)["services"]
    return described


def test_file_is_valid_and_complete(env_file: Path) -> None:
    done = compose("--env-file", str(env_file), "config", "--quiet")

    assert (done.returncode, done.stderr) == (0, "")


def test_without_secrets_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()

    done = compose("--env-file", str(tmp_path / ".env"), "config", "--quiet")

    assert done.returncode != 0
    assert "run make up" in done.stderr or "see .env.example" in done.stderr


def test_every_port_is_on_this_machine_alone(services: Services) -> None:
    ports = {(name, port["host_ip"]) for name, one in services.items() for port in one.get("ports", [])}

    assert ports == {(name, "127.0.0.1") for name in ("frontend", "rabbitmq", "s3", "s3-disk")}


def test_valkey_is_reached_from_within_alone_and_needs_its_password(services: Services) -> None:
    valkey, gateway = services["valkey"], services["gateway"]

    assert list(valkey["networks"]) == ["back"]
    assert "ports" not in valkey
    password = valkey["environment"]["VALKEY_PASSWORD"]
    assert gateway["environment"]["REELWORK_REDIS_URL"] == f"redis://:{password}@valkey:6379/0"


def test_the_gateway_believes_the_page_of_who_calls(services: Services) -> None:
    assert services["gateway"]["environment"]["REELWORK_TRUSTED_PROXIES"]
    assert (
        "proxy_set_header X-Forwarded-For $remote_addr;"
        in (PROJECT / "docker/frontend/nginx.conf.template").read_text()
    )


def test_every_service_that_stays_has_a_health_check(services: Services) -> None:
    assert {name for name, one in services.items() if not one.get("healthcheck", {}).get("test")} == ONE_SHOT


def test_every_service_waits_for_what_it_needs_to_be_well(services: Services) -> None:
    conditions = {need["condition"] for one in services.values() for need in one.get("depends_on", {}).values()}

    assert conditions == {"service_healthy", "service_completed_successfully"}


def test_images_of_others_are_pinned_to_a_minor_version(services: Services) -> None:
    images = {one["image"] for one in services.values() if "build" not in one and "reelwork-" not in one["image"]}

    assert images
    assert all(re.search(r":\d+\.\d+", image) for image in images)


def test_one_s3_runs_at_a_time_and_a_browser_and_diffusion_on_request(services: Services) -> None:
    assert {name: one["profiles"] for name, one in services.items() if "profiles" in one} == {
        "s3": ["localstack"],
        "s3-disk": ["seaweedfs"],
        "worker-browser": ["browser"],
        "worker-remote": ["providers"],
        "worker-diffusion": ["diffusion"],
    }


def test_only_the_worker_that_asks_providers_has_a_way_out_and_their_keys(services: Services) -> None:
    keys = {name for name in services["worker-remote"]["environment"] if name.endswith(("_KEY", "_TOKEN", "_SECRET"))}
    keys = {name for name in keys if not name.startswith("REELWORK_")}

    assert keys
    assert sorted(services["worker-remote"]["networks"]) == ["back", "front"]
    assert list(services["worker"]["networks"]) == ["back"]
    others = {name: one for name, one in services.items() if name != "worker-remote"}
    assert not any(keys & one.get("environment", {}).keys() for one in others.values())


def test_workers_can_be_scaled_and_have_time_to_end(services: Services) -> None:
    worker = services["worker"]

    assert "container_name" not in worker
    assert "ports" not in worker
    assert int(worker["stop_grace_period"].removesuffix("s").replace("1m0", "60")) > SOFT_SHUTDOWN_SECONDS


@pytest.mark.parametrize(
    "name",
    [
        *("frontend", "gateway", "worker", "worker-browser", "worker-remote", "worker-diffusion", "account"),
        *("mongo-init", "mongo", "valkey", "s3-disk"),
    ],
)
def test_container_is_locked_down(services: Services, name: str) -> None:
    one = services[name]

    assert one["read_only"]
    assert one["cap_drop"] == ["ALL"]


def test_every_container_is_bounded_and_gains_no_privileges(services: Services) -> None:
    for one in services.values():
        limits = one["deploy"]["resources"]["limits"]
        assert limits.keys() >= {"memory", "pids"}
        assert "no-new-privileges:true" in one["security_opt"]
        assert not any("docker.sock" in volume["source"] for volume in one.get("volumes", []))
