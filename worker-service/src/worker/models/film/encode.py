"""Write a film as it is drawn: H.264 High in MP4, the form that every browser plays."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.frame import VideoFrame

from reelwork.generator import Artifact
from worker.models.film.geometry import Size

MEDIA_TYPE = "video/mp4"
# ISO/IEC 23091-2 code points
_BT709, _LIMITED_RANGE = 1, 1
_AHEAD = 3  # frames drawn but not yet encoded: enough to keep both sides busy
_OPTIONS = {
    "preset": "veryfast",
    "crf": "20",
    "profile": "high",
    # The same bytes on every machine. Without it, x264 spreads costs over macroblocks by other code for each kind of
    # processor; that for AVX-512 reads memory that nobody has written (core 165; tests/models/test_encode.py shows it).
    "x264-params": "cpu-independent=1",
}


class FilmWriter:
    """An MP4 file that grows frame by frame; complete when the `with` block ends, gone if it fails.

    Frames are shown for 1/fps seconds each. Colours are tagged BT.709, limited range; players guess where
    tags are missing, and guess differently. The index stands first, so that playing starts before the
    download ends; for that the file is rewritten once at the end.

    Encoding runs in a thread of its own, a few frames behind, so that the next frame is drawn meanwhile.
    """

    def __init__(self, path: Path, *, size: Size, fps: int, threads: int) -> None:
        self._path = path
        self._size = size
        self._fps = fps
        self._frames = 0
        self._pending: deque[Future[None]] = deque()
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._file = av.open(path, "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._file.add_stream("libx264", rate=fps, options=_OPTIONS)
        self._prepare(threads)

    def _prepare(self, threads: int) -> None:
        context = self._stream.codec_context
        context.width, context.height = self._size.width, self._size.height
        context.pix_fmt = "nv12"  # taken as it is by x264, and yuv420p in the file
        context.time_base = Fraction(1, self._fps)
        context.gop_size = 2 * self._fps  # a key frame every two seconds, for seeking
        context.thread_count = threads
        context.color_range = _LIMITED_RANGE
        context.colorspace = context.color_primaries = context.color_trc = _BT709

    def blank(self) -> VideoFrame:
        """A new NV12 frame to draw on."""
        return VideoFrame(self._size.width, self._size.height, "nv12")

    def add(self, frame: VideoFrame) -> None:
        """Append a frame; it must not be drawn on again."""
        frame.pts = self._frames
        frame.time_base = Fraction(1, self._fps)
        frame.duration = 1
        frame.color_range = _LIMITED_RANGE
        frame.colorspace = frame.color_primaries = frame.color_trc = _BT709
        self._frames += 1
        self._pending.append(self._encoder.submit(self._encode, frame))
        while len(self._pending) > _AHEAD:
            self._pending.popleft().result()

    def _encode(self, frame: VideoFrame | None) -> None:
        self._file.mux(self._stream.encode(frame))

    @property
    def duration_seconds(self) -> float:
        """How long the film is so far."""
        return self._frames / self._fps

    def artifact(self, **meta: object) -> Artifact:
        """The finished film, to be called after the `with` block."""
        return Artifact(
            name="film.mp4",
            media_type=MEDIA_TYPE,
            path=self._path,
            width=self._size.width,
            height=self._size.height,
            duration_seconds=self.duration_seconds,
            meta={"fps": self._fps, "frames": self._frames, "codec": "h264", **meta},
        )

    def _finish(self) -> None:
        for frame in self._pending:
            frame.result()
        self._encode(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._encoder.shutdown(cancel_futures=True)
            self._file.close()
            if kind is not None:
                self._path.unlink(missing_ok=True)
