"""Health on the wire."""

from typing import Literal

from reelwork.contract.base import Wire


class Liveness(Wire):
    status: Literal["ok"] = "ok"
    version: str


class ComponentHealth(Wire):
    """`latency_ms` of one round trip; `detail` says what is wrong when `status` is not `ok`."""

    status: Literal["ok", "down"]
    latency_ms: float | None
    detail: str | None = None


class Readiness(Wire):
    """`ready` when jobs can be accepted (MongoDB and S3); a broker that is down only delays starts: `degraded`."""

    status: Literal["ready", "degraded", "down"]
    components: dict[str, ComponentHealth]
