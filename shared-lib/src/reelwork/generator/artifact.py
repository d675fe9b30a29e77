"""What a model hands back: files with a media type, never bytes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["primary", "preview", "subtitles", "data"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One finished output file.

    The file at `path` is complete when the artifact is handed over and belongs to the platform from then on,
    which stores it and removes it with the job's scratch folder. `name` is the file name that a person who
    downloads it sees. Width and height are pixels as displayed. `meta` holds what else is worth showing
    (JSON values).
    """

    name: str
    media_type: str
    path: Path
    role: Role = "primary"
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"An artifact's name is a plain file name of at most 100 characters, not {self.name!r}.")
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise ValueError(f"An artifact needs a media type such as 'video/mp4', not {self.media_type!r}.")
