"""Settings: read from the environment, and refused where they would be unsafe."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from reelwork.runtime.settings import PLACEHOLDERS, SharedSettings
from worker.settings import WorkerSettings

GIVEN = {
    "REELWORK_MONGO_URL": "mongodb://mongo/?replicaSet=rs0",
    "REELWORK_BROKER_URL": "amqp://user:word@rabbit/",
    "REELWORK_S3_ENDPOINT_URL": "http://s3:8333",
    "REELWORK_S3_ACCESS_KEY": "AK4f9b2c",
    "REELWORK_S3_SECRET_KEY": "b7e1c0d95a",
}
EVERY = pytest.mark.parametrize("kind", [SharedSettings, GatewaySettings, WorkerSettings])


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing but what is given; started anywhere."""
    monkeypatch.chdir(tmp_path)
    for name in [*SharedSettings.model_fields, *GatewaySettings.model_fields, *WorkerSettings.model_fields]:
        monkeypatch.delenv(f"REELWORK_{name.upper()}", raising=False)
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REELWORK_SIGNING_SECRET", "0a6f" * 8)
    return monkeypatch


@EVERY
def test_they_are_read_from_the_environment(kind: type[SharedSettings]) -> None:
    settings = kind()

    assert settings.mongo().url == "mongodb://mongo/?replicaSet=rs0"
    assert settings.s3().endpoint_url == settings.s3().public_endpoint_url == "http://s3:8333"
    assert settings.rules().lease == timedelta(seconds=30)


@EVERY
@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_has_no_safe_default_must_be_given(
    kind: type[SharedSettings], name: str, environment: pytest.MonkeyPatch
) -> None:
    environment.delenv(name)

    with pytest.raises(ValidationError) as refused:
        kind()

    assert [error["loc"] for error in refused.value.errors()] == [(name.removeprefix("REELWORK_").lower(),)]


@EVERY
@pytest.mark.parametrize("placeholder", sorted(PLACEHOLDERS | {"ChangeMe", "TEST"}))
@pytest.mark.parametrize("name", ["REELWORK_S3_ACCESS_KEY", "REELWORK_S3_SECRET_KEY"])
def test_production_refuses_placeholders_and_names_the_variable(
    kind: type[SharedSettings], name: str, placeholder: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("REELWORK_ENV", "production")
    environment.setenv(name, placeholder)

    with pytest.raises(ValidationError, match=f"{name} is a placeholder"):
        kind()


@EVERY
def test_development_takes_placeholders(kind: type[SharedSettings], environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_S3_SECRET_KEY", "test")

    assert kind().s3().secret_key == "test"


@EVERY
def test_production_takes_real_secrets(kind: type[SharedSettings], environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_ENV", "production")

    assert kind().s3().secret_key == GIVEN["REELWORK_S3_SECRET_KEY"]


@pytest.mark.parametrize("secret", [None, "", "changeme", "0" * 31])
def test_production_seals_its_signing_keys(secret: str | None, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_ENV", "production")
    environment.delenv("REELWORK_SIGNING_SECRET")
    if secret is not None:
        environment.setenv("REELWORK_SIGNING_SECRET", secret)

    with pytest.raises(ValidationError):
        GatewaySettings()


@EVERY
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REELWORK_BROKER_URL", "amqp://guest:guest@rabbit/"),
        ("REELWORK_BROKER_URL", "amqp://reelwork:@rabbit/"),
        ("REELWORK_BROKER_URL", "amqp://reelwork:change%2Dme@rabbit/"),
        ("REELWORK_MONGO_URL", "mongodb://reelwork:password@one:27017,two:27017/?replicaSet=rs0"),
    ],
)
def test_production_refuses_a_placeholder_inside_an_address(
    kind: type[SharedSettings], name: str, url: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("REELWORK_ENV", "production")
    environment.setenv(name, url)

    with pytest.raises(ValidationError, match=f"{name} is a placeholder") as refused:
        kind()

    assert url not in str(refused.value)


@EVERY
def test_nothing_that_shows_them_shows_a_secret(kind: type[SharedSettings]) -> None:
    settings = kind()

    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"

    assert [value for value in GIVEN.values() if value in shown] == [GIVEN["REELWORK_S3_ENDPOINT_URL"]]
    assert GIVEN["REELWORK_S3_SECRET_KEY"] not in repr(settings.s3())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REELWORK_ENV", "staging"),
        ("REELWORK_LOG_LEVEL", "loud"),
        ("REELWORK_MONGO_DRIVER", "other"),
        ("REELWORK_LEASE_SECONDS", "0"),
        ("REELWORK_LEASE_SECONDS", "soon"),
        ("REELWORK_CONCURRENCY", "0"),
        ("REELWORK_GRACE_SECONDS", "-1"),
    ],
)
def test_values_that_make_no_sense_are_refused(name: str, value: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(name, value)

    with pytest.raises(ValidationError):
        WorkerSettings()


def test_browsers_may_reach_s3_elsewhere(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_S3_PUBLIC_ENDPOINT_URL", "https://media.example")

    options = SharedSettings().s3()

    assert (options.endpoint_url, options.public_endpoint_url) == ("http://s3:8333", "https://media.example")


def test_modules_of_models_are_a_list_with_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_MODEL_MODULES", "acme_blur, acme.sharpen ,,")

    assert WorkerSettings().modules == ["acme_blur", "acme.sharpen"]
