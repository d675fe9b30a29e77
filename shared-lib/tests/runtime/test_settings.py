"""Settings: read from the environment, and refused where they would be unsafe."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from reelwork.domain.price import Pricing
from reelwork.runtime.encryption import plain_backends
from reelwork.runtime.placeholders import PLACEHOLDERS, is_placeholder
from reelwork.runtime.settings import SharedSettings
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
@pytest.mark.parametrize(
    "placeholder", ["", "ChangeMe", "TEST", "minioadmin", "<random>", "AKIAIOSFODNN7EXAMPLE", "00000000"]
)
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
        ("REELWORK_BROKER_URL", "amqp://reelwork:<random>@rabbit/"),
        ("REELWORK_REDIS_URL", "redis://:redis@valkey:6379/0"),
        ("REELWORK_REDIS_URL", "rediss://default:your-password@valkey:6379/0"),
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
@pytest.mark.parametrize(("name", "value"), [("REELWORK_S3_ACCESS_KEY", "test"), ("REELWORK_LEASE_SECONDS", "soon")])
def test_a_refusal_shows_no_value(
    kind: type[SharedSettings], name: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("REELWORK_ENV", "production")
    environment.setenv(name, value)

    with pytest.raises(ValidationError) as refused:
        kind()

    assert GIVEN["REELWORK_S3_SECRET_KEY"][-4:] not in str(refused.value)
    assert "input_value" not in str(refused.value)


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


@pytest.mark.parametrize("placeholder", sorted(PLACEHOLDERS))
def test_a_placeholder_is_known_in_any_case(placeholder: str) -> None:
    assert is_placeholder(placeholder)
    assert is_placeholder(f" {placeholder.upper()} ")


@pytest.mark.parametrize("secret", ["b7e1c0d95a", "correct horse battery staple", "rN8vZr/K2m+Qw==", "5e884898da28"])
def test_a_real_secret_is_no_placeholder(secret: str) -> None:
    assert not is_placeholder(secret)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REELWORK_PAGE_KEY_FILE", "dev.key", "REELWORK_PAGE_KEY_FILE is for development"),
        ("REELWORK_FETCH_PLAIN_HTTP", "true", "REELWORK_FETCH_PLAIN_HTTP is for development"),
        ("REELWORK_FETCH_ALLOW", "10.0.0.0/8,127.0.0.0/8", "127.0.0.0/8 holds this machine"),
        ("REELWORK_FETCH_ALLOW", "169.254.169.254/32", "metadata"),
        ("REELWORK_FETCH_ALLOW", "::/0", "metadata"),
    ],
)
def test_production_opens_no_doors_of_development(
    name: str, value: str, said: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)
    GatewaySettings()
    environment.setenv("REELWORK_ENV", "production")

    with pytest.raises(ValidationError, match=said):
        GatewaySettings()


def test_what_may_be_fetched_is_told_by_lists_with_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_ENV", "production")
    environment.setenv("REELWORK_FETCH_PORTS", "443, 8443")
    environment.setenv("REELWORK_FETCH_ALLOW", "10.1.0.0/16, fd12::/48,")
    environment.setenv("REELWORK_FETCH_SECONDS", "5")

    rules = GatewaySettings().fetching()

    assert rules.ports == {443, 8443}
    assert rules.allow == (ip_network("10.1.0.0/16"), ip_network("fd12::/48"))
    assert (rules.seconds, rules.quiet_seconds) == (5, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REELWORK_FETCH_PORTS", "0"),
        ("REELWORK_FETCH_PORTS", "https"),
        ("REELWORK_FETCH_ALLOW", "10.0.0.1/8"),
        ("REELWORK_FETCH_ALLOW", "everybody"),
        ("REELWORK_FETCH_SECONDS", "0"),
        ("REELWORK_FETCHES_AT_ONCE", "0"),
        ("REELWORK_TLS_CA_FILE", "/nowhere/ca.pem"),
    ],
)
def test_limits_that_make_no_sense_are_refused(name: str, value: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(name, value)

    with pytest.raises(ValidationError):
        GatewaySettings()


def test_files_of_tls_reach_every_driver(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    environment.setenv("REELWORK_TLS_CA_FILE", str(ca_file))

    settings = SharedSettings()

    assert settings.tls().ca_file == settings.mongo().tls.ca_file == settings.s3().tls.ca_file == ca_file


def test_servers_without_encryption_are_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_REDIS_URL", "redis://valkey:6379/0")
    assert plain_backends(SharedSettings()) == ["mongodb", "broker", "s3", "redis"]

    environment.setenv("REELWORK_MONGO_URL", "mongodb://mongo/?tls=true")
    environment.setenv("REELWORK_BROKER_URL", "amqps://rabbit/")
    environment.setenv("REELWORK_S3_ENDPOINT_URL", "https://s3")
    environment.setenv("REELWORK_REDIS_URL", "rediss://valkey:6379/0")
    assert plain_backends(SharedSettings()) == []


def test_a_broker_inside_the_process_needs_no_encryption(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_BROKER_URL", "inprocess://")

    assert plain_backends(SharedSettings()) == ["mongodb", "s3"]


def test_prices_are_read_in_dollars(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REELWORK_PRICES", '{"a/b": {"base": "0.1", "amount": "0.02", "unit": "second", "by": ["n"]}}')

    assert GatewaySettings().pricings() == {"a/b": Pricing(base=1000, amount=200, unit="second", by=("n",))}


@pytest.mark.parametrize(
    "price",
    [
        '{"amount": 0.5}',
        '{"amount": "-1"}',
        '{"amount": "0.00001"}',
        '{"amount": "999999999"}',
        '{"amonut": "1"}',
        '{"unit": "Second"}',
        '{"per": 0}',
        '"1"',
    ],
)
def test_a_price_that_means_nothing_stops_the_start(environment: pytest.MonkeyPatch, price: str) -> None:
    environment.setenv("REELWORK_PRICES", f'{{"a/b": {price}}}')

    with pytest.raises(ValidationError, match="prices"):
        GatewaySettings()
