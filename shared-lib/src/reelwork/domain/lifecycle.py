"""The life of a model and the order of its versions: what is offered, what is on its way out, what is gone."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

LATEST = "latest"

_PARTS = re.compile(r"\d+|[a-z]+")
_END = (0, 0, "")

Rank: TypeAlias = tuple[tuple[int, int, str], ...]


class Stage(StrEnum):
    """`deprecated`: still runs, but a successor or an end is announced. `retired`: takes no new jobs."""

    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """When a model is deprecated and when it takes no more jobs, and what to use instead (`name` or `name@version`).

    With a sunset and no date of deprecation it is deprecated at once. Raises ValueError for times without a zone, and
    for a sunset before the deprecation.
    """

    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None
    replacement: str | None = None

    def __post_init__(self) -> None:
        if any(at is not None and at.tzinfo is None for at in (self.deprecated_at, self.sunset_at)):
            raise ValueError("A time in a model's life needs its zone: 2027-01-31T00:00:00Z.")
        if self.deprecated_at is not None and self.sunset_at is not None and self.sunset_at < self.deprecated_at:
            raise ValueError("A model cannot end before it is deprecated.")

    def stage(self, now: datetime) -> Stage:
        if self.sunset_at is not None and self.sunset_at <= now:
            return Stage.RETIRED
        if self.deprecated_at is None:
            return Stage.DEPRECATED if self.sunset_at is not None else Stage.ACTIVE
        return Stage.DEPRECATED if self.deprecated_at <= now else Stage.ACTIVE

    @property
    def is_announced(self) -> bool:
        """Whether there is anything to tell."""
        return self.deprecated_at is not None or self.sunset_at is not None


ACTIVE = Lifecycle()


def version_rank(version: str) -> Rank:
    """Sorts versions as people number them: 1.10 after 1.9, and 2.0-rc1 before 2.0."""
    parts = _PARTS.findall(version.lower())
    return (*((1, int(part), "") if part.isdigit() else (-1, 0, part) for part in parts), _END)


def reference(name: str, version: str) -> str:
    """How a job names one version of a model."""
    return f"{name}@{version}"


def split_reference(wanted: str) -> tuple[str, str]:
    """Name and version of `name`, `name@version` or `name@latest`; the version is empty where it is left open."""
    name, _, version = wanted.partition("@")
    return name, "" if version == LATEST else version
