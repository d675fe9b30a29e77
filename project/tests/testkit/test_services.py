"""Where tests get their servers from: a missing one skips at home and fails in CI; a broken one always fails."""

import textwrap
from pathlib import Path

import pytest

from run.servers import ServerFailed, ServerMissing
from testkit import services
from testkit.containers import EngineMissing, require_engine

pytest_plugins = ("pytester",)
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
