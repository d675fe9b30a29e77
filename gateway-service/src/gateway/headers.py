"""Header fields that change how a request is answered: reading them, and what they say back."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from reelwork.domain.errors import FieldError, InvalidRequest
from reelwork.domain.job import Job
from reelwork.domain.lifecycle import Lifecycle
from reelwork.domain.rate import Standing

# RFC 7240 leaves the bound to the server: what is longer holds up connections on the way.
LONGEST_WAIT_SECONDS = 60
LONGEST_DEADLINE_SECONDS = 30 * 86400

_PREFERENCE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s;",]*)))?\s*(?:;[^,]*)?')
_DURATION = re.compile(r"(?:(?P<h>\d{1,4})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,8}(?:\.\d{1,3})?)s?)?")
_UNIT_SECONDS = {"h": 3600, "m": 60, "s": 1}

MODELS = "/v1/models"

# Where a request's state holds its `Meter`.
METER = "meter"
# In the scope of a request that asks for the head alone: for what a GET would use up.
HEAD_ONLY = "reelwork.head_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What `Prefer` asks for. `wait`: seconds, None if it is not asked for."""

    wait: int | None = None
    respond_async: bool = False

    def applied(self, *, waited: bool) -> dict[str, str]:
        """The header that tells which of it was done."""
        done = [
            *(["respond-async"] if self.respond_async else []),
            *([f"wait={self.wait}"] if waited else []),
        ]
        return {"Preference-Applied": ", ".join(done)} if done else {}


def preference(text: str) -> Preference:
    """`wait` and `respond-async` of a Prefer header; the rest is ignored, as RFC 7240 wants of what is unknown or
    cannot be read. Of two that are the same, the first counts. A wait that is longer than ours counts as ours, and so
    does one that says not how long: by section 2 `wait`, `wait=` and `wait=""` are the same."""
    found: dict[str, str] = {}
    for part in text.split(","):
        if matched := _PREFERENCE.fullmatch(part):
            found.setdefault(matched[1].lower(), matched[2] or matched[3] or "")
    wait = found.get("wait")
    if wait == "":
        seconds: int | None = LONGEST_WAIT_SECONDS
    elif wait is not None and wait.isascii() and wait.isdecimal():
        seconds = min(int(wait[:6]), LONGEST_WAIT_SECONDS)
    else:
        seconds = None
    return Preference(wait=seconds, respond_async="respond-async" in found)


def cancel_after_seconds(text: str) -> float:
    """`Cancel-After`: seconds as a number, or with units as in `1h30m`. Raises InvalidRequest."""
    matched = _DURATION.fullmatch(text.strip())
    parts = {unit: float(number) for unit, number in matched.groupdict().items() if number} if matched else {}
    seconds = sum(number * _UNIT_SECONDS[unit] for unit, number in parts.items())
    if not 0 < seconds <= LONGEST_DEADLINE_SECONDS:
        raise bad_header("cancel-after", "Seconds, or a duration such as 90s, 15m or 1h30m; at most 30 days.")
    return seconds


def announcements(life: Lifecycle) -> dict[str, str]:
    """What is to come for a model: RFC 9745 (a date of structured fields), RFC 8594 (an HTTP date), RFC 5829."""
    headers = {}
    if life.deprecated_at is not None:
        headers["Deprecation"] = f"@{math.floor(life.deprecated_at.timestamp())}"
    if life.sunset_at is not None:
        headers["Sunset"] = format_datetime(life.sunset_at.astimezone(UTC), usegmt=True)
    if life.is_announced and life.replacement:
        headers["Link"] = f'<{MODELS}/{quote(life.replacement, safe="/@")}>; rel="successor-version"'
    return headers


def etag_of(job: Job) -> str:
    """Names the state of a job: every change of it is another version."""
    return f'"{job.id}.{job.version}"'


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has this very state already: by `*` or by one of the tags (RFC 9110, weak comparison)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]  # no tag of ours holds a comma
    return tags == ["*"] or etag in tags


def is_current(if_match: str, etag: str) -> bool:
    """Whether the caller knows this very state: by `*` or by one of the tags (RFC 9110, strong comparison)."""
    tags = [tag.strip() for tag in if_match.split(",")]  # no tag of ours holds a comma, and none is weak
    return tags == ["*"] or etag in tags


def retry_after(poll_after_ms: int) -> dict[str, str]:
    """When to ask again; nothing for what does not change any more."""
    return {"Retry-After": str(math.ceil(poll_after_ms / 1000))} if poll_after_ms else {}


def rate_headers(standing: Standing, *, charged: int, now: float) -> dict[str, str]:
    """What an account may still do: draft-ietf-httpapi-ratelimit-headers-11 (`t`: seconds until there is room for one
    more), and the `X-RateLimit` names of older clients (`Reset`: the same as a Unix time; `now` is one as well).
    `Cost`: the units that this request was `charged`, which the draft has no name for.

    Only the policy, where the limiter does not know.
    """
    rate = standing.rate
    policy = {
        "RateLimit-Policy": f'"{rate.name}";q={rate.amount};w={rate.seconds}',
        "X-RateLimit-Limit": str(rate.amount),
        "X-RateLimit-Window": str(rate.seconds),
        "X-RateLimit-Policy": "sliding-window",
    }
    if standing.remaining is None:
        return policy
    return policy | {
        "RateLimit": f'"{rate.name}";r={standing.remaining};t={standing.more_seconds}',
        "X-RateLimit-Cost": str(charged),
        "X-RateLimit-Remaining": str(standing.remaining),
        "X-RateLimit-Reset": str(math.ceil(now) + standing.more_seconds),
    }


def documented(headers: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Headers of an answer, with what they say, as OpenAPI has them (`Any`)."""
    return {name: {"description": says, "schema": {"type": "string"}} for name, says in headers.items()}


LIFE = documented(
    {
        "Deprecation": "Since when, or from when on, the model is deprecated (RFC 9745): `@1767225600`.",
        "Sunset": "When the model takes no more jobs (RFC 8594).",
        "Link": 'What to use instead, with `rel="successor-version"`.',
    }
)
RETRY_AFTER = documented({"Retry-After": "When to ask again, in seconds."})


def bad_header(name: str, cure: str) -> InvalidRequest:
    """A header that cannot be read."""
    wrong = FieldError(pointer=f"header:{name}", code="unreadable", detail=cure)
    return InvalidRequest(f"The header {name} cannot be read.", hint=cure, errors=[wrong])
