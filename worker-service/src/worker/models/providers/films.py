"""What is to be known of a film before a provider is paid for it."""

from pathlib import Path

import av

from reelwork.generator import InvalidInput

_CONTAINERS = {"mp4": "video/mp4", "webm": "video/webm"}


def measured(film: Path, *, field: str = "video") -> tuple[float, str]:
    """Length in seconds and media type, by the file's header. Raises InvalidInput for what is neither MP4 nor WebM."""
    try:
        with av.open(str(film)) as container:
            kinds = container.format.name.split(",")
            length = (container.duration or 0) / av.time_base
            has_picture = bool(container.streams.video)
    except (av.FFmpegError, OSError) as error:
        raise InvalidInput("The file is not a video that can be read; use MP4 or WebM.", field=field) from error
    media_type = next((_CONTAINERS[kind] for kind in kinds if kind in _CONTAINERS), None)
    if media_type is None or not has_picture:
        raise InvalidInput("The file is no MP4 or WebM with a picture.", field=field)
    return length, media_type
