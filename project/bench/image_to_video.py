"""A picture to four seconds of 720p film: our camera beside encoding alone and beside ffmpeg's zoompan.

All three make the same move with the same encoder settings and threads. "Encoding alone" gets our finished frames
from memory: nothing can be faster with this encoder. Smoothness is what the eye sees as shimmer: for each frame, how
far it lies from where it should, and how much that changes from one frame to the next.
"""

import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import av
import cv2
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray
from PIL import Image

from bench.tables import Table, ratio
from reelwork.generator import LocalContext
from worker.models.camera_move import CameraMove, prepare
from worker.models.film.camera import boxes, ease, zoom_of
from worker.models.film.encode import FilmWriter
from worker.models.film.geometry import Box, Point, Size
from worker.models.film.parameters import FilmParameters
from worker.models.film.picture import open_picture
from worker.models.film.planes import show

Luma = NDArray[np.float32]

PICTURE = Size(1680, 1050)
FILM = Size(1280, 720)
FPS: Literal[30] = 30
SECONDS = 4
FRAMES = FPS * SECONDS
THREADS = CameraMove.resources.cpus
ZOOM = zoom_of(0.5)
WINDOW = 512  # of the middle, in pixels, for measuring offsets
ENCODER = {"preset": "veryfast", "crf": "20", "profile": "high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way of making the film. Jitter is in output pixels; None where no frames are drawn."""

    way: str
    seconds: float
    against_encoding: float
    size_bytes: int
    worst_jitter: float | None
    mean_jitter: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The zoom that all make: toward `focus`, in a crop of the picture."""

    picture: Path
    focus: Point
    crop: Box


def rows(*, repeats: int = 5) -> list[Row]:
    """Measure; some twenty seconds. Wall times are medians of the repeats, taken in turns."""
    with TemporaryDirectory(prefix="reelwork-bench-") as scratch:
        folder = Path(scratch)
        move = _move(_photograph(folder / "picture.jpg"))
        frames = _drawn(move)
        zoompan = _ffmpeg_zoompan if shutil.which("ffmpeg") else _pyav_zoompan
        ways: dict[str, Callable[[Path], Path]] = {
            "encoding alone": lambda into: _encode(frames, into),
            "builtin/camera-move": lambda into: _camera_move(move, into),
            f"zoompan ({'ffmpeg' if shutil.which('ffmpeg') else 'in process'})": lambda into: zoompan(move, into),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        films: dict[str, Path] = {}
        for _ in range(repeats):
            for place, (way, make) in enumerate(ways.items()):
                into = folder / str(place)
                into.mkdir(exist_ok=True)
                began = time.perf_counter()
                films[way] = make(into)
                times[way].append(time.perf_counter() - began)
        floor = statistics.median(times["encoding alone"])
        exact = list(_exact(move))
        return [_row(way, statistics.median(times[way]), floor, films[way], exact) for way in ways]


def table(*, repeats: int = 5) -> Table:
    """The rows for the report."""
    return Table(
        title="Image to video",
        note=f"{PICTURE.width} x {PICTURE.height} JPEG to {SECONDS} s of {FILM.width} x {FILM.height} at {FPS} fps, "
        f"H.264 veryfast crf 20, {THREADS} threads, median of {repeats}. Jitter: change from frame to frame of the "
        "distance to the exact position, in pixels.",
        columns=("way", "wall", "to encoding alone", "size", "worst jitter", "mean jitter"),
        rows=[
            (
                row.way,
                f"{row.seconds:.2f} s",
                ratio(row.seconds, row.against_encoding),
                f"{row.size_bytes / 1000:.0f} kB",
                "-" if row.worst_jitter is None else f"{row.worst_jitter:.2f} px",
                "-" if row.mean_jitter is None else f"{row.mean_jitter:.3f} px",
            )
            for row in rows(repeats=repeats)
        ],
    )


def _row(way: str, seconds: float, floor: float, film: Path, exact: list[Luma]) -> Row:
    jitter = None if way == "encoding alone" else _jitter(film, exact)
    return Row(
        way=way,
        seconds=seconds,
        against_encoding=floor,
        size_bytes=film.stat().st_size,
        worst_jitter=None if jitter is None else float(jitter.max()),
        mean_jitter=None if jitter is None else float(jitter.mean()),
    )


def _photograph(path: Path) -> Path:
    """Texture at every scale, as grass and leaves have it: the hard case for encoder and eye."""
    random = np.random.default_rng(1)
    shape = (PICTURE.height, PICTURE.width, 3)
    layers = (
        cv2.GaussianBlur(random.normal(0, 1, shape).astype(np.float32), (0, 0), spread) * np.float32(spread * 15)
        for spread in (0.9, 2.5, 8.0, 30.0)
    )
    Image.fromarray(np.clip(sum(layers) + np.float32(125), 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def _move(picture: Path) -> Move:
    """Our own camera's focus and crop, for the others to follow."""
    still = prepare(open_picture(picture), size=FILM, zoom=ZOOM)
    return Move(picture=picture, focus=still.focus, crop=still.crop)


def _camera_move(move: Move, into: Path) -> Path:
    model = CameraMove()
    model.setup()
    params = FilmParameters(image="asset_picture", aspect_ratio="16:9", fps=FPS, duration_seconds=SECONDS)
    (film,) = model.generate(params, LocalContext(into, assets={"asset_picture": move.picture}))
    return film.path


def _drawn(move: Move) -> list[av.VideoFrame]:
    """Our frames, drawn and kept."""
    planes = prepare(open_picture(move.picture), size=FILM, zoom=ZOOM).planes
    frames = []
    for box in boxes("zoom-in", FRAMES, source=planes.size, zoom=ZOOM, focus=move.focus):
        frame = av.VideoFrame(FILM.width, FILM.height, "nv12")
        show(planes, box, frame)
        frames.append(frame)
    return frames


def _encode(frames: list[av.VideoFrame], into: Path) -> Path:
    path = into / "film.mp4"
    with FilmWriter(path, size=FILM, fps=FPS, threads=THREADS) as film:
        for frame in frames:
            film.add(frame)
    return path


def _zoompan(move: Move) -> tuple[str, str]:
    """The crop and the zoompan of the same move, in ffmpeg's words."""
    time_ = f"(on/{FRAMES - 1})"
    zoom = f"exp({math.log(ZOOM)}*{time_}*{time_}*(3-2*{time_}))"
    box = move.crop
    crop = ":".join(str(round(side)) for side in (box.width, box.height, box.left, box.top))
    x, y = (f"(i{side}-i{side}/zoom)*{at}" for side, at in (("w", move.focus.x), ("h", move.focus.y)))
    return crop, f"z='{zoom}':x='{x}':y='{y}':d={FRAMES}:s={FILM.width}x{FILM.height}:fps={FPS}"


def _ffmpeg_zoompan(move: Move, into: Path) -> Path:
    path = into / "film.mp4"
    crop, zoompan = _zoompan(move)
    options = [part for key, value in ENCODER.items() for part in (f"-{key}:v", value)]
    picture = ["ffmpeg", "-v", "error", "-y", "-i", str(move.picture), "-vf", f"crop={crop},zoompan={zoompan}"]
    encode = ["-pix_fmt", "yuv420p", "-c:v", "libx264", *options, "-threads", str(THREADS), "-movflags", "+faststart"]
    subprocess.run([*picture, *encode, str(path)], check=True)  # noqa: S603 - our own arguments
    return path


def _pyav_zoompan(move: Move, into: Path) -> Path:
    path = into / "film.mp4"
    with av.open(move.picture) as source, av.open(path, "w", options={"movflags": "+faststart"}) as sink:
        picture = next(source.decode(video=0))
        stream = sink.add_stream("libx264", rate=FPS, options=ENCODER)
        stream.codec_context.width, stream.codec_context.height = FILM.width, FILM.height
        stream.codec_context.pix_fmt, stream.codec_context.thread_count = "yuv420p", THREADS
        for frame in _filtered(picture, move):
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    return path


def _filtered(picture: av.VideoFrame, move: Move) -> Iterator[av.VideoFrame]:
    crop, zoompan = _zoompan(move)
    graph = Graph()
    begin = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
    )
    chain = [begin, graph.add("crop", crop), graph.add("zoompan", zoompan), graph.add("format", "yuv420p")]
    graph.link_nodes(*chain, graph.add("buffersink")).configure()
    graph.push(picture)
    graph.push(None)
    for index in range(FRAMES):
        frame = graph.pull()
        assert isinstance(frame, av.VideoFrame)
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        yield frame


def _exact(move: Move) -> Iterator[Luma]:
    """The middle of every frame as it should be: Lanczos at the exact place, no rounding anywhere."""
    crop = move.crop
    grey = np.asarray(Image.open(move.picture).convert("RGB"), np.float32) @ np.array([0.2126, 0.7152, 0.0722])
    source = Image.fromarray(grey.astype(np.float32))
    first, down = (FILM.width - WINDOW) / 2, (FILM.height - WINDOW) / 2
    for index in range(FRAMES):
        share = math.exp(-math.log(ZOOM) * ease(index / (FRAMES - 1)))
        scale = crop.width * share / FILM.width
        left = crop.left + move.focus.x * crop.width * (1 - share) + first * scale
        top = crop.top + move.focus.y * crop.height * (1 - share) + down * scale
        box = (left, top, left + WINDOW * scale, top + WINDOW * scale)
        yield np.asarray(source.resize((WINDOW, WINDOW), Image.Resampling.LANCZOS, box=box), np.float32)


def _jitter(film: Path, exact: list[Luma]) -> NDArray[np.float64]:
    """How much each frame's distance from its exact place differs from that of the frame before."""
    down, across = (FILM.height - WINDOW) // 2, (FILM.width - WINDOW) // 2
    with av.open(film) as file:
        offsets = [
            _offset(
                frame.to_ndarray(format="gray")[down : down + WINDOW, across : across + WINDOW].astype(np.float32),
                right,
            )
            for frame, right in zip(file.decode(video=0), exact, strict=True)
        ]
    change = np.diff(np.array(offsets, np.float64), axis=0)
    return np.asarray(np.hypot(change[:, 0], change[:, 1]))


def _offset(seen: Luma, right: Luma) -> tuple[float, float]:
    """Where `seen` lies against `right`, by phase correlation refined to 1/200 pixel.

    The peak is searched with a Fourier sum at fractional places, after Guizar-Sicairos et al. (2008).
    """
    window = np.outer(np.hanning(WINDOW), np.hanning(WINDOW))
    spectra = [np.fft.fft2((picture - picture.mean()) * window) for picture in (seen, right)]
    product = spectra[0] * spectra[1].conj()
    product /= np.abs(product) + 1e-3 * np.abs(product).max()
    x = y = 0.0
    for reach, step in ((4.0, 0.25), (0.3, 0.02), (0.02, 0.005)):
        places = np.arange(-reach, reach + step / 2, step)
        frequencies = np.fft.fftfreq(WINDOW)
        rows_, columns = (np.exp(2j * np.pi * np.outer(at + places, frequencies)) for at in (y, x))
        peak = (rows_ @ product @ columns.T).real
        row, column = np.unravel_index(peak.argmax(), peak.shape)
        y, x = y + float(places[row]), x + float(places[column])
    return x, y


if __name__ == "__main__":
    sys.stdout.write(table().markdown())
