"""Settings that gateway and worker share. Read once, in `wiring.py`, and passed down as values.

Every setting is an environment variable `REELWORK_<NAME>`; `.env.example` lists them all.
"""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from reelwork.domain.tier import Plans, Tier
from reelwork.engine.engine import Rules
from reelwork.engine.sweep import STAGED_GRACE
from reelwork.objects.s3 import S3Options
from reelwork.runtime.extras import lacks
from reelwork.runtime.placeholders import is_placeholder
from reelwork.runtime.reporting import report_errors
from reelwork.store.client import MongoOptions
from reelwork.tls import TlsFiles

INPROCESS = "inprocess://"
_DSN = re.compile(r"https?://[^\s/@:]+(:[^\s/@]*)?@[^\s/@?#]+(/[^\s?#]*)?/\d+")
_MISSING = "{variable} needs packages that are not installed here (project/locks/{extra}.txt): make {extra}"


class InstallationSettings(BaseSettings):
    """What kind of installation this is."""

    # what is refused is written to logs: never the values beside it
    model_config = SettingsConfigDict(env_prefix="REELWORK_", extra="ignore", hide_input_in_errors=True)

    env: Annotated[
        Literal["development", "production"],
        Field(description="`production` refuses placeholder secrets and never hands out a key."),
    ] = "development"


class MongoSettings(InstallationSettings):
    """Where the documents are: all that looking after accounts needs."""

    mongo_url: Annotated[SecretStr, Field(description="MongoDB replica set, `mongodb://…`.")]
    mongo_database: Annotated[str, Field(description="Database name.")] = "reelwork"
    mongo_driver: Annotated[
        Literal["pymongo", "motor"], Field(description="`motor` needs the extra `reelwork[motor]`.")
    ] = "pymongo"

    tls_ca_file: Annotated[
        FilePath | None,
        Field(description="Authorities (PEM) that sign for MongoDB, broker, S3 and Redis. None: the system's."),
    ] = None
    tls_cert_file: Annotated[
        FilePath | None,
        Field(description="Our own certificate with its key (PEM), for servers that want one. None: none."),
    ] = None

    def tls(self) -> TlsFiles:
        return TlsFiles(ca_file=self.tls_ca_file, cert_file=self.tls_cert_file)

    def mongo(self) -> MongoOptions:
        return MongoOptions(
            url=self.mongo_url.get_secret_value(),
            database=self.mongo_database,
            driver=self.mongo_driver,
            tls=self.tls(),
        )


class PlanChange(BaseModel):
    """Numbers of one tier that this installation has instead of those of `reelwork.domain.tier`."""

    model_config = ConfigDict(extra="forbid")

    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    concurrent_jobs: Annotated[int, Field(ge=0, le=10_000)] = 0
    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 1
    jobs_per_day: Annotated[int, Field(ge=0)] | None = None
    max_duration_seconds: Annotated[float, Field(ge=0)] = 0
    batch_items: Annotated[int, Field(ge=0, le=1000)] = 0


class SharedSettings(MongoSettings):
    """Where the servers are, and the numbers that both sides must agree on."""

    log_format: Annotated[Literal["console", "json"], Field(description="How log lines are written.")] = "json"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="Least level logged.")] = (
        "info"
    )

    broker_url: Annotated[SecretStr, Field(description="RabbitMQ, `amqp://…`, or `inprocess://`.")]
    broker_prefix: Annotated[str, Field(description="Put before every queue and exchange name.")] = ""

    s3_endpoint_url: Annotated[str, Field(description="Where this process reaches S3.")]
    s3_public_endpoint_url: Annotated[
        str | None, Field(description="Where browsers reach S3; signed addresses carry it. Default: the same.")
    ] = None
    s3_region: Annotated[str, Field(description="S3 region.")] = "us-east-1"
    s3_bucket: Annotated[str, Field(description="Bucket for all objects; made if missing.")] = "reelwork"
    s3_access_key: Annotated[SecretStr, Field(description="S3 access key id.")]
    s3_secret_key: Annotated[SecretStr, Field(description="S3 secret access key.")]

    tiers: Annotated[
        dict[Tier, PlanChange],
        Field(description='Changes to the plan table, as JSON: `{"pro": {"concurrent_jobs": 20}}`. The same for all.'),
    ] = {}
    redis_url: Annotated[
        SecretStr | None,
        Field(description="Redis or Valkey, `redis://…`: rate limits and usage counted over all gateways together."),
    ] = None
    metrics_port: Annotated[
        int | None,
        Field(ge=0, le=65_535, description="Internal port of `/metrics` and `/healthz`, without a key. None: none."),
    ] = None
    metrics_host: Annotated[str, Field(description="Address that the internal port listens on.")] = "127.0.0.1"
    otel_endpoint: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s?#@]+$",
            description="OpenTelemetry collector or Jaeger, OTLP over HTTP, `http://…:4318`. None: nothing is traced.",
        ),
    ] = None
    sentry_dsn: Annotated[
        SecretStr | None,
        Field(description="Sentry's address of this project, `https://…@…/1`, for errors. None: they are only logged."),
    ] = None
    lease_seconds: Annotated[
        float, Field(gt=0.2, description="How long a worker may be silent before its job goes to another.")
    ] = 30.0
    staged_grace_seconds: Annotated[
        float, Field(gt=0, description="How long stored bytes may belong to nobody yet before they are swept.")
    ] = STAGED_GRACE.total_seconds()

    @model_validator(mode="after")
    def _no_placeholders_in_production(self) -> Self:
        if self.env == "production":
            secrets = {
                "s3_access_key": self.s3_access_key.get_secret_value(),
                "s3_secret_key": self.s3_secret_key.get_secret_value(),
                "mongo_url": _password(self.mongo_url),
                "broker_url": _password(self.broker_url),
                "redis_url": _password(self.redis_url) if self.redis_url is not None else None,
            }
            for name, secret in secrets.items():
                if secret is not None and is_placeholder(secret):
                    raise ValueError(f"REELWORK_{name.upper()} is a placeholder; set a real secret in production")
        return self

    @field_validator("sentry_dsn")
    @classmethod
    def _is_a_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _DSN.fullmatch(value.get_secret_value()):
            raise ValueError("Give a DSN as Sentry shows it: https://key@host/number.")
        return value

    @model_validator(mode="after")
    def _extras_are_installed(self) -> Self:
        if self.otel_endpoint is not None and lacks("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError(_MISSING.format(variable="REELWORK_OTEL_ENDPOINT", extra="otel"))
        if self.sentry_dsn is not None and lacks("sentry_sdk"):
            raise ValueError(_MISSING.format(variable="REELWORK_SENTRY_DSN", extra="sentry"))
        return self

    def report_errors(self, *, service: str) -> None:
        """Send errors of this process to Sentry, if the settings say so; after `configure_logging`."""
        dsn = self.sentry_dsn.get_secret_value() if self.sentry_dsn is not None else None
        report_errors(dsn, environment=self.env, service=service)

    def s3(self) -> S3Options:
        return S3Options(
            endpoint_url=self.s3_endpoint_url,
            public_endpoint_url=self.s3_public_endpoint_url or self.s3_endpoint_url,
            region=self.s3_region,
            bucket=self.s3_bucket,
            access_key=self.s3_access_key.get_secret_value(),
            secret_key=self.s3_secret_key.get_secret_value(),
            tls=self.tls(),
        )

    def rules(self) -> Rules:
        return Rules(lease=timedelta(seconds=self.lease_seconds), plans=self.plans())

    def plans(self) -> Plans:
        return Plans().with_changes(
            {tier: change.model_dump(exclude_unset=True) for tier, change in self.tiers.items()}
        )

    @property
    def staged_grace(self) -> timedelta:
        return timedelta(seconds=self.staged_grace_seconds)


def _password(url: SecretStr) -> str | None:
    """The password inside an address; None where it has none."""
    password = urlsplit(url.get_secret_value()).password
    return unquote(password) if password is not None else None
