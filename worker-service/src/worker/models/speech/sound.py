"""The sound of a video file as a stream of samples, a little at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from reelwork.generator import InvalidInput
from worker.models.film import video

Samples: TypeAlias = NDArray[np.float32]
"""(n, channels), -1 to 1."""

LONGEST_SECONDS = 1800.0
_GAP_SECONDS = 0.05  # smaller ones are rounding


def blocks(path: Path, *, rate: int, channels: int, field: str = "video") -> Iterator[Samples]:
    """The first sound track from the file's beginning on, gaps filled with silence.

    Raises InvalidInput for a file without sound, or one that claims to be longer than half an hour.
    """
    with video.opened(path, field=field) as file:
        if not file.streams.audio:
            raise InvalidInput("The video has no sound to translate.", field=field)
        track = file.streams.audio[0]
        origin = (file.start_time or 0) / av.time_base
        resampler = av.AudioResampler(format="flt", layout="mono" if channels == 1 else "stereo", rate=rate)
        at = 0
        for frame in file.decode(track):
            due = at if frame.time is None else round((frame.time - origin) * rate)
            if due > LONGEST_SECONDS * rate:
                raise InvalidInput("The video is longer than half an hour; cut it.", field=field)
            for silence in _silence(due - at, rate, channels):
                at += len(silence)
                yield silence
            for block in _resampled(resampler, frame, channels, field=field):
                at += len(block)
                yield block
        yield from _resampled(resampler, None, channels, field=field)


def _resampled(
    resampler: av.AudioResampler, frame: av.AudioFrame | None, channels: int, *, field: str
) -> Iterator[Samples]:
    try:
        for part in resampler.resample(frame):
            yield np.asarray(part.to_ndarray(), np.float32).reshape(-1, channels)
    except ValueError as error:  # what PyAV raises for frames of another form than the first
        raise InvalidInput("The video's sound changes its form midway; convert it first.", field=field) from error


def _silence(missing: int, rate: int, channels: int) -> Iterator[Samples]:
    if missing > _GAP_SECONDS * rate:
        for begin in range(0, missing, rate):
            yield np.zeros((min(rate, missing - begin), channels), np.float32)
