"""`builtin/camera-move`: a smooth camera over a still picture."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from reelwork.generator import Artifact, GenerationContext, MediaGeneratorModel, Resources
from worker.models.film import camera, encode
from worker.models.film.geometry import Box, Point, Size, crop_to, film_size, within
from worker.models.film.parameters import FilmParameters
from worker.models.film.picture import Picture, cut, open_picture
from worker.models.film.planes import Planes, show

SHARPEST = 1.25
"""The picture is kept at most this much larger than the film. Larger would flicker: frames are sampled
linearly, which skips samples when it shrinks much; a closer zoom is a little soft instead."""


class CameraMove(MediaGeneratorModel[FilmParameters]):
    """Zooms and pans with sub-pixel precision, so that nothing shimmers."""

    id = "builtin/camera-move"
    version = "1"
    title = "Camera move"
    description = (
        "Brings a still picture to life with a slow zoom or pan. No AI, no surprises, done in a second or two."
    )
    task = "image-to-video"
    produces = (encode.MEDIA_TYPE,)
    resources = Resources(cpus=2, memory_mb=1024, time_limit_seconds=300)
    deterministic = True
    is_ai = False
    seconds_hint = 2.0
    examples = (
        {"image": "asset_example", "motion": "zoom-in"},
        {"image": "asset_example", "motion": "pan-right", "aspect_ratio": "16:9", "duration_seconds": 6},
    )

    def setup(self) -> None:
        """Keep OpenCV to the threads that the model declares."""
        cv2.setNumThreads(self.resources.cpus)

    def generate(self, params: FilmParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One MP4. Raises InvalidInput for a file that is no picture."""
        ctx.substatus("reading_picture")
        picture = open_picture(ctx.fetch(params.image))
        size = film_size(picture.size, aspect=params.aspect_ratio, resolution=params.resolution)
        zoom, move = camera.zoom_of(params.strength), params.move(ctx.seed)
        still = prepare(picture, size=size, zoom=zoom)
        ctx.substatus("generating")
        moments = camera.boxes(move, params.frames, source=still.planes.size, zoom=zoom, focus=still.focus)
        path = ctx.workdir / "film.mp4"
        with encode.FilmWriter(path, size=size, fps=params.fps, threads=self.resources.cpus) as film:
            for box in ctx.track(moments, params.frames, message="Filming", begin=0.02, end=0.98):
                frame = film.blank()
                show(still.planes, box, frame)
                film.add(frame)
        yield film.artifact(motion=move)


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A picture ready to be filmed: its part of the film's shape as planes, and the point that a zoom goes to."""

    planes: Planes
    focus: Point
    crop: Box


def prepare(picture: Picture, *, size: Size, zoom: float) -> Still:
    """Decode the picture no larger than needed and crop it around what is of interest. Raises InvalidInput."""
    source = size.scaled(min(zoom, SHARPEST))
    crop = crop_to(picture.size, size.ratio)
    image = picture.load(enough=picture.size.scaled(source.width / crop.width))
    interest = camera.point_of_interest(np.asarray(image.reduce(max(1, max(image.size) // 192))))
    crop = crop_to(picture.size, size.ratio, around=interest)
    rgb = cut(image, crop, picture=picture.size, size=source)
    return Still(planes=Planes.from_rgb(rgb), focus=within(interest, crop, picture.size), crop=crop)
