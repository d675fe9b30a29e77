"""Settings of what needs packages that only some installations have: traces, and reports of errors."""

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from reelwork.runtime.misset import said_of
from reelwork.runtime.settings import SharedSettings
from worker.settings import WorkerSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Enough to begin with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELWORK_MONGO_URL", "mongodb://mongo/")
    monkeypatch.setenv("REELWORK_BROKER_URL", "amqp://rabbit/")
    monkeypatch.setenv("REELWORK_S3_ENDPOINT_URL", "http://s3:8333")
    monkeypatch.setenv("REELWORK_S3_ACCESS_KEY", "key")
    monkeypatch.setenv("REELWORK_S3_SECRET_KEY", "secret")
    return monkeypatch


@pytest.mark.parametrize("kind", [GatewaySettings, WorkerSettings])
@pytest.mark.parametrize(
    ("variable", "value", "package", "extra"),
    [
        ("REELWORK_OTEL_ENDPOINT", "http://127.0.0.1:4318", "opentelemetry.exporter.otlp.proto.http", "otel"),
        ("REELWORK_SENTRY_DSN", "https://key@sentry.invalid/1", "sentry_sdk", "sentry"),
    ],
)
def test_what_needs_an_extra_says_so_where_its_packages_are_not_installed(
    kind: type[SharedSettings],
    variable: str,
    value: str,
    package: str,
    extra: str,
    *,
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv(variable, value)
    kind()
    environment.setitem(sys.modules, package, None)

    with pytest.raises(ValidationError) as refused:
        kind()

    assert said_of(refused.value) == (
        f"{variable} needs packages that are not installed here (project/locks/{extra}.txt): make {extra}"
    )


@pytest.mark.parametrize("dsn", ["sentry.invalid", "https://sentry.invalid/1", "https://key@sentry.invalid/one"])
def test_what_is_no_dsn_of_sentry_is_refused_without_being_shown(dsn: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_SENTRY_DSN", dsn)

    with pytest.raises(ValidationError) as refused:
        GatewaySettings()

    assert said_of(refused.value) == "REELWORK_SENTRY_DSN: Give a DSN as Sentry shows it: https://key@host/number."
