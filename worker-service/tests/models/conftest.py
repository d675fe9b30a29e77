"""Pictures to work on, made here, and a reader of finished films that shares nothing with the writer."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from reelwork.generator import Artifact, LocalContext, MediaGeneratorModel
from weights.fetch import FOLDER, FetchFailed, fetch
from worker.models.camera_move import CameraMove
from worker.models.film.parameters import FilmParameters
from worker.models.film.weights import WEIGHTS_FOLDER

ASSET = "asset_picture"
QUICK = {"image": ASSET, "duration_seconds": 1, "resolution": "480p", "fps": 24}


@dataclass
class Film:
    """What a player would see."""

    codec: str
    profile: str
    pixel_format: str
    colour: tuple[int, int, int, int]  # range, matrix, primaries, transfer
    duration_seconds: float
    frames: list[np.ndarray]  # RGB

    @property
    def size(self) -> tuple[int, int]:
        return self.frames[0].shape[1], self.frames[0].shape[0]


@pytest.fixture
def watch() -> Callable[[Artifact], Film]:
    def decode(artifact: Artifact) -> Film:
        with av.open(artifact.path) as file:
            stream = file.streams.video[0]
            frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
            context = stream.codec_context
            return Film(
                codec=context.name,
                profile=context.profile,
                pixel_format=context.pix_fmt,
                colour=(context.color_range, context.colorspace, context.color_primaries, context.color_trc),
                duration_seconds=float(stream.duration * stream.time_base),
                frames=frames,
            )

    return decode


@pytest.fixture
def film_of(tmp_path) -> Callable[..., Artifact]:
    """Run a film model on a picture, quickly: one second at 480p unless told otherwise."""

    def make(
        picture: Path, *, model: type[MediaGeneratorModel[FilmParameters]] = CameraMove, seed: int = 0, **values: object
    ) -> Artifact:
        context = LocalContext(tmp_path / "work", assets={ASSET: picture}, seed=seed)
        worker = model()
        worker.setup()
        (artifact,) = worker.generate(FilmParameters(**(QUICK | values)), context)
        return artifact

    return make


@pytest.fixture
def save(tmp_path) -> Callable[..., Path]:
    def store(image: Image.Image | np.ndarray, name: str = "picture.png", **options: object) -> Path:
        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return store


@pytest.fixture(scope="session")
def photograph(tmp_path_factory) -> Path:
    """A stand-in for a photograph: soft light, a round subject with an edge, texture at all scales, grain."""
    random = np.random.default_rng(7)
    height, width = 800, 1200
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    texture = sum(
        cv2.GaussianBlur(random.normal(0, 1, (height, width)).astype(np.float32), (0, 0), sigma) * sigma * 14
        for sigma in (1.0, 4.0, 16.0)
    )
    light = 90 + 110 * (1 - down / height)
    subject = np.clip(220 - np.hypot(across - 760, down - 470), 0, 1)
    grey = light + texture
    rgb = np.dstack([grey * 1.02 + 8, grey, grey * 0.9]) * (1 - subject[..., None])
    rgb += subject[..., None] * np.dstack([150 + texture * 0.6, 70 + texture * 0.5, 50 + texture * 0.4])
    path = tmp_path_factory.mktemp("pictures") / "photograph.jpg"
    Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


@pytest.fixture(scope="session")
def weights():
    """The folder with the real network's weights, fetched if they are not there."""
    folder = Path(os.environ.get(WEIGHTS_FOLDER, FOLDER))
    try:
        return fetch(folder=folder).parent
    except FetchFailed as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
