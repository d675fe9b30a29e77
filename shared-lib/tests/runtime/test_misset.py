"""Settings that cannot be used are told by the names of their variables, and never by their values."""

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from reelwork.runtime.misset import said_of
from reelwork.runtime.settings import SharedSettings

NEEDED = {
    "MONGO_URL": "mongodb://x",
    "BROKER_URL": "inprocess://",
    "S3_ENDPOINT_URL": "http://x",
    "S3_ACCESS_KEY": "an-access-key-of-mine",
    "S3_SECRET_KEY": "a-secret-key-of-mine",
}


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("TIERS", '{"pro": {"weight": 0}}', "REELWORK_TIERS: pro.weight: Input should be greater than or equal to 1"),
        ("TIERS", "{pro}", "REELWORK_TIERS is not JSON"),
        ("LEASE_SECONDS", "soon", "REELWORK_LEASE_SECONDS: Input should be a valid number"),
        ("MONGO_URL", None, "REELWORK_MONGO_URL is not set"),
        ("ENV", "production", "REELWORK_S3_ENDPOINT_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, told: str
) -> None:
    for name, setting in (NEEDED | {variable: value}).items():
        if setting is None:
            monkeypatch.delenv(f"REELWORK_{name}", raising=False)
        else:
            monkeypatch.setenv(f"REELWORK_{name}", setting)
    if variable == "ENV":
        monkeypatch.setenv("REELWORK_S3_SECRET_KEY", "changeme")
        told = "REELWORK_S3_SECRET_KEY is a placeholder; set a real secret in production"

    with pytest.raises((ValidationError, SettingsError)) as refused:
        SharedSettings()  # type: ignore[call-arg]  # from the environment

    said = said_of(refused.value)
    assert told in said
    assert not any(secret in said for secret in ("of-mine", "changeme", "soon"))
