"""`builtin/parallax`: the subject and what is behind it move apart, as in front of a moving camera."""

from collections.abc import Iterator
from pathlib import Path

import cv2

from reelwork.generator import (
    Artifact,
    GenerationContext,
    MediaGeneratorModel,
    ProviderUnavailable,
    Resources,
)
from worker.models.camera_move import SHARPEST, CameraMove
from worker.models.film import camera, encode
from worker.models.film.geometry import Point, Size, crop_to, film_size, within
from worker.models.film.layers import Layer, cut_out, lay_over, without_subject
from worker.models.film.matte import WEIGHTS_FILE, Matter, refined
from worker.models.film.parameters import FilmParameters
from worker.models.film.picture import cut, open_picture
from worker.models.film.planes import Planes, show
from worker.models.film.weights import missing, weights_folder

SMALLEST_SUBJECT, LARGEST_SUBJECT = 0.015, 0.70
"""Outside these shares of the picture there is nothing to set apart, or nothing behind it."""

MOST_DOUBT = 0.4
"""A matte with more doubt would tear its subject apart. Clean photographs were seen at 0.02 to 0.22, failures
(a busy portrait, a thin rocket, a drawn scene) at 0.81 to 1.05."""

_NEAR, _FAR = 1.20, 0.70
"""How much more, and less, than the plain camera the subject and its ground move."""


class Parallax(MediaGeneratorModel[FilmParameters]):
    """Finds the subject with a learned matte and films it in front of a filled-in ground."""

    id = "builtin/parallax"
    version = "1"
    title = "Parallax"
    description = """
        Finds what a picture is of and lets it stand out in depth: subject and background move at different speeds.
        Pictures without a clear subject get a plain camera move.
    """
    task = "image-to-video"
    produces = (encode.MEDIA_TYPE,)
    resources = Resources(cpus=2, memory_mb=1536, time_limit_seconds=300)
    deterministic = True
    is_ai = True
    seconds_hint = 3.0
    examples = (
        {"image": "asset_example", "motion": "zoom-in"},
        {"image": "asset_example", "motion": "pan-left", "strength": 0.8, "duration_seconds": 6},
    )

    def __init__(self, weights: Path | None = None) -> None:
        """`weights` is the folder that holds the network; without it, the one in REELWORK_WEIGHTS_DIR."""
        self._folder = weights
        self._matter: Matter | None = None

    @classmethod
    def available(cls) -> str | None:
        """Absent without the network's weights."""
        return missing(WEIGHTS_FILE)

    def setup(self) -> None:
        """Load the network. Raises ProviderUnavailable where its weights went away."""
        cv2.setNumThreads(self.resources.cpus)
        folder = self._folder or weights_folder()
        try:
            self._matter = Matter((folder or Path()) / WEIGHTS_FILE)
        except OSError as error:
            raise ProviderUnavailable(f"The weights {WEIGHTS_FILE} are missing; run `make weights`.") from error

    def generate(self, params: FilmParameters, ctx: GenerationContext) -> Iterator[Artifact]:
        """One MP4. Raises InvalidInput for a file that is no picture."""
        if self._matter is None:
            self.setup()
        assert self._matter is not None  # noqa: S101 - setup loaded it or raised
        ctx.substatus("reading_picture")
        picture = open_picture(ctx.fetch(params.image))
        size = film_size(picture.size, aspect=params.aspect_ratio, resolution=params.resolution)
        source = size.scaled(min(_zoom(params, _NEAR), SHARPEST))
        image = picture.load(enough=picture.size.scaled(source.width / crop_to(picture.size, size.ratio).width))
        ctx.substatus("finding_subject")
        matte = self._matter.matte(image)
        if not SMALLEST_SUBJECT <= matte.coverage <= LARGEST_SUBJECT or matte.doubt > MOST_DOUBT:
            yield from CameraMove().generate(params, ctx)
            return
        crop = crop_to(picture.size, size.ratio, around=matte.middle)
        rgb = cut(image, crop, picture=picture.size, size=source)
        share = refined(matte.at(crop, picture=picture.size, size=source), rgb)
        ctx.progress(0.12, "Taking the picture apart")
        subject, ground = cut_out(rgb, share), Planes.from_rgb(without_subject(rgb, share))
        ctx.progress(0.2, stage="generating")
        film = self._film(params, ctx, subject, ground, size=size, focus=within(matte.middle, crop, picture.size))
        yield film.artifact(motion=params.move(ctx.seed), subject=round(matte.coverage, 3))

    def _film(
        self,
        params: FilmParameters,
        ctx: GenerationContext,
        subject: Layer,
        ground: Planes,
        *,
        size: Size,
        focus: Point,
    ) -> encode.FilmWriter:
        near, far = (
            camera.boxes(
                params.move(ctx.seed), params.frames, source=ground.size, zoom=_zoom(params, factor), focus=focus
            )
            for factor in (_NEAR, _FAR)
        )
        moments = zip(near, far, strict=True)
        with encode.FilmWriter(
            ctx.workdir / "film.mp4", size=size, fps=params.fps, threads=self.resources.cpus
        ) as film:
            for front, back in ctx.track(moments, params.frames, message="Filming", begin=0.2, end=0.98):
                frame = film.blank()
                show(ground, back, frame)
                lay_over(subject, front, frame)
                film.add(frame)
        return film


def _zoom(params: FilmParameters, factor: float) -> float:
    """The closest zoom of a layer that moves `factor` times as much as the plain camera."""
    return 1 + (camera.zoom_of(params.strength) - 1) * factor
