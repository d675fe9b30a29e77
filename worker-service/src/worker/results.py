"""What a provider made, fetched at once and looked at: nothing that it says of its own files is believed."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import av
from PIL import Image

from reelwork.domain.errors import FetchFailed, UploadTooLarge, UrlRefused
from reelwork.domain.media import RECOGNISED_BYTES, extension_for, kind_of, recognise
from reelwork.fetch import Fetcher
from reelwork.generator import Artifact, GenerationError, InvalidInput, RemoteOutput
from worker.models.film import video

# Text has no signature: it is read so far, and must not be what a browser would run.
TEXT_BYTES = 16 * 1024 * 1024
_TEXTS = frozenset({"text/plain", "text/vtt", "text/markdown", "application/x-subrip", "application/json"})
_MARKUP = re.compile(r"\s*(<!doctype|<html|<svg|<\?xml|<script)", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Size:
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None


class Results:
    """Fetches results through the guarded fetcher, each at most so long."""

    def __init__(self, fetcher: Fetcher, *, limit_bytes: int) -> None:
        self._fetcher = fetcher
        self._limit_bytes = limit_bytes

    async def artifact(self, output: RemoteOutput, produces: tuple[str, ...], folder: Path, *, index: int) -> Artifact:
        """The output as a checked file in `folder`.

        Raises GenerationError: retryable where the provider may do better next time, not so for what is of no type
        that the model produces, too large, or at an address that is not fetched.
        """
        path = output.path if output.path is not None else await self._fetch(output, folder / f"result-{index}")
        return await anyio.to_thread.run_sync(_checked, output, path, produces)

    async def _fetch(self, output: RemoteOutput, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        async with await anyio.open_file(path, "wb") as file:

            async def write(chunk: bytes) -> None:
                await file.write(chunk)

            try:
                await self._fetcher.fetch(output.url or "", write, limit_bytes=self._limit_bytes)
            except (UrlRefused, UploadTooLarge) as error:
                raise GenerationError(f"The provider's result is not taken. {error.detail}") from error
            except FetchFailed as error:
                raise GenerationError(f"The provider's result: {error.detail}", retry_after=0.0) from error
        return path


def _checked(output: RemoteOutput, path: Path, produces: tuple[str, ...]) -> Artifact:
    media_type = _media_type(path, output.media_type, produces)
    size = _measured(path, media_type)
    return Artifact(
        name=_name(output.name, media_type),
        media_type=media_type,
        path=path,
        role=output.role,
        width=output.width or size.width,
        height=output.height or size.height,
        duration_seconds=output.duration_seconds or size.duration_seconds,
        meta=output.meta,
    )


def _media_type(path: Path, declared: str | None, produces: tuple[str, ...]) -> str:
    """What the bytes are. Raises GenerationError unless the model produces that."""
    with path.open("rb") as file:
        head = file.read(RECOGNISED_BYTES)
    if not head:
        raise GenerationError("The provider's result is empty.")
    found = recognise(head) or _text_type(path, declared, produces)
    if found not in produces:
        raise GenerationError(f"The provider's result is not of a kind that this model makes: {', '.join(produces)}.")
    return found


def _text_type(path: Path, declared: str | None, produces: tuple[str, ...]) -> str | None:
    """The type of text, which only its sender can name: the declared one if the model makes that, else its only one."""
    possible = [media_type for media_type in produces if media_type in _TEXTS]
    named = (declared or "").partition(";")[0].strip().lower()
    chosen = named if named in possible else possible[0] if len(possible) == 1 else None
    if chosen is None or path.stat().st_size > TEXT_BYTES:
        return None
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or _MARKUP.match(text) else chosen


def _measured(path: Path, media_type: str) -> _Size:
    """Width, height and length by the file itself. Raises GenerationError for one that cannot be opened."""
    try:
        match kind_of(media_type):
            case "image":
                return _picture(path)
            case "video":
                return _film(path)
            case _:
                return _Size()
    except (OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning, InvalidInput) as error:
        raise GenerationError("The provider's result is broken: it cannot be opened.") from error


def _picture(path: Path) -> _Size:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as picture:
            width, height = picture.size
    return _Size(width=width, height=height)


def _film(path: Path) -> _Size:
    with video.opened(path) as film:
        stream = film.streams.video[0]
        seconds = film.duration / av.time_base if film.duration else None
        return _Size(width=stream.width, height=stream.height, duration_seconds=seconds)


def _name(said: str, media_type: str) -> str:
    """A plain file name with the ending of what it really is."""
    stem = _NOT_IN_NAMES.sub("-", Path(said).name).strip("-._")
    ending = extension_for(media_type)
    return (stem.removesuffix(ending)[: 100 - len(ending)] or "output") + ending
