"""Where tests get their servers from: a missing one skips at home and fails in CI; a broken one always fails."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from run.servers import ServerFailed, ServerMissing
from testkit import services
from testkit.containers import EngineMissing, require_engine

pytest_plugins = ("pytester",)
PROJECT = Path(__file__).resolve().parents[2]
WITH_A_SERVER = """
    import pathlib, sys
    from testkit import services

    services._SHARED_MEMORY, services._PLENTY_BYTES = pathlib.Path(sys.argv[1]), 0
    with services.running_valkey():
        print("ready", flush=True)
        sys.stdin.read()
"""
ABSENT = """
    import pytest
    from run.servers import ServerMissing
    from testkit import services

    def absent():
        raise ServerMissing("no such wheel")

    def test_that_needs_it():
        services.first_available("MongoDB", [absent])
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


def run(inner: pytest.Pytester, code: str) -> pytest.RunResult:
    inner.makepyfile(textwrap.dedent(code))
    return inner.runpytest_subprocess("-p", "testkit.plugin", "-rA")


def test_missing_server_skips_at_home(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    outcome = run(inner, ABSENT)

    outcome.assert_outcomes(skipped=1)
    outcome.stdout.fnmatch_lines(["*MongoDB cannot be had: no such wheel*"])


def test_missing_server_fails_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    outcome = run(inner, ABSENT)

    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*MongoDB cannot be had: no such wheel*CI=true*"])


def test_broken_server_is_an_error_and_no_reason_to_skip() -> None:
    def broken() -> services.Service:
        raise ServerFailed("out of disk")

    with pytest.raises(ServerFailed):
        services.first_available("MongoDB", [broken])


def test_next_way_is_taken_where_the_first_does_not_exist(s3: services.S3Service) -> None:
    def no_engine() -> services.S3Service:
        raise EngineMissing("no Docker")

    assert services.first_available("S3", [no_engine, lambda: s3]) is s3


def test_every_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    def no_engine() -> services.Service:
        raise EngineMissing("no Docker")

    def no_wheel() -> services.Service:
        raise ServerMissing("no wheel")

    with pytest.raises(pytest.fail.Exception, match="no Docker; no wheel"):
        services.first_available("S3", [no_engine, no_wheel])


def test_docker_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORK_TEST_DOCKER", "0")

    with pytest.raises(EngineMissing, match="switched off"):
        require_engine()


def test_docker_of_another_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWORK_TEST_DOCKER", "1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")

    with pytest.raises(EngineMissing, match="another machine"):
        require_engine()


def test_what_uses_a_server_is_marked(inner: pytest.Pytester) -> None:
    inner.makepyfile("def test_plain(): pass\ndef test_store(mongo_database): pass\n")

    outcome = inner.runpytest_subprocess("-p", "testkit.plugin", "-m", "not service")

    outcome.assert_outcomes(passed=1, deselected=1)


def test_each_test_has_a_database_of_its_own(mongo_url: str) -> None:
    with services.fresh_database(mongo_url) as one, services.fresh_database(mongo_url) as other:
        assert one != other


def test_a_fresh_bucket_is_gone_afterwards_with_all_that_was_in_it(s3: services.S3Service) -> None:
    client = s3.client()
    with services.fresh_bucket(s3) as bucket:
        client.put_object(Bucket=bucket.name, Key="left/behind", Body=b"1")

    assert bucket.name not in [each["Name"] for each in client.list_buckets()["Buckets"]]
    client.close()


def test_the_secret_of_a_bucket_is_not_in_its_repr() -> None:
    bucket = services.Bucket(name="b", endpoint_url="http://s3.test", region="r", access_key="k", secret_key="hush")

    assert "hush" not in repr(bucket)


def test_what_a_killed_run_left_is_removed_by_the_next_and_a_living_ones_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(services, "_PLENTY_BYTES", 0)
    monkeypatch.setenv("REELWORK_TEST_DOCKER", "0")
    with running_elsewhere(tmp_path) as killed:
        left = folders(tmp_path)
        killed.kill()
    assert len(left) == 1
    assert folders(tmp_path) == left

    with running_elsewhere(tmp_path):
        (living,) = folders(tmp_path) - left
        with services.running_valkey():
            assert len(folders(tmp_path)) == 2
        assert folders(tmp_path) == {living}


@contextmanager
def running_elsewhere(place: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process of tests that has a server, with its data in `place`."""
    argv = [sys.executable, "-c", textwrap.dedent(WITH_A_SERVER), str(place)]
    with subprocess.Popen(argv, cwd=PROJECT, text=True, stdin=PIPE, stdout=PIPE) as process:  # noqa: S603  (ours)
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            assert line, "it ended"
        try:
            yield process
        finally:
            process.kill()


def folders(place: Path) -> set[Path]:
    return {entry for entry in place.iterdir() if entry.is_dir()}
