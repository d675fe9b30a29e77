"""Telling an operator which connections anybody on the way can read."""

import structlog

from reelwork.runtime.settings import INPROCESS, SharedSettings
from reelwork.tls import is_encrypted

log = structlog.get_logger(__name__)


def plain_backends(settings: SharedSettings) -> list[str]:
    """The servers of these settings that are reached without TLS."""
    redis = settings.redis_url
    addresses = {
        "mongodb": settings.mongo_url.get_secret_value(),
        "broker": settings.broker_url.get_secret_value(),
        "s3": settings.s3_endpoint_url,
        "redis": redis.get_secret_value() if redis is not None else INPROCESS,
    }
    return [name for name, url in addresses.items() if url != INPROCESS and not is_encrypted(url)]


def warn_of_plain_backends(settings: SharedSettings) -> None:
    """One line in production, where there are any. A warning, no refusal: a network may be encrypted below us."""
    if settings.env == "production" and (plain := plain_backends(settings)):
        log.warning("backends.unencrypted", backends=plain)
