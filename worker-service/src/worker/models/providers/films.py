"""What is to be known of a film before a provider is paid for it."""

from pathlib import Path

import av

from worker.models.film import video


def measured(film: Path, *, field: str = "video") -> tuple[float, str]:
    """Length in seconds and media type, by the file's header: QuickTime counts as MP4, Matroska as WebM.

    Raises InvalidInput for what is none of these, or has no picture.
    """
    with video.opened(film, field=field) as container:
        is_webm = "webm" in container.format.name.split(",")
        length = (container.duration or 0) / av.time_base
    return length, "video/webm" if is_webm else "video/mp4"
